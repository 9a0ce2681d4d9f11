import HTTPTypes
import Hummingbird
import Logging
import Metrics

/// Headers on everything that goes out: nothing may be framed, sniffed, or run from elsewhere.
struct SecurityHeaders<Context: RequestContext>: RouterMiddleware {
    private static var policy: String {
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    }

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        if response.headers[.contentSecurityPolicy] == nil { response.headers[.contentSecurityPolicy] = Self.policy }
        response.headers[.xContentTypeOptions] = "nosniff"
        response.headers[.init("X-Frame-Options")!] = "DENY"
        response.headers[.init("Referrer-Policy")!] = "no-referrer"
        response.headers[.init("Cross-Origin-Resource-Policy")!] = "same-origin"
        response.headers[.init("Cross-Origin-Opener-Policy")!] = "same-origin"
        return response
    }
}

/// Turns what a route throws into the answer that its caller gets; what is our own fault is logged.
struct ErrorAnswers<Context: RequestContext>: RouterMiddleware {
    let logger: Logger

    func handle(
        _ request: Request,
        context: Context,
        next: (Request, Context) async throws -> Response
    ) async throws -> Response {
        do {
            let response = try await next(request, context)
            self.count(context, response.status)
            return response
        } catch {
            let refusal = Refusal(error)
            if refusal.status.code >= 500 {
                self.logger.error(
                    "request failed",
                    metadata: [
                        "method": "\(request.method)", "path": "\(context.endpointPath ?? "unknown")",
                        "error": "\(error)",
                    ]
                )
            }
            self.count(context, refusal.status)
            return try refusal.response()
        }
    }

    private func count(_ context: Context, _ status: HTTPResponse.Status) {
        Counter(
            label: "millrace.gateway.requests",
            dimensions: [("path", context.endpointPath ?? "unknown"), ("status", "\(status.code)")]
        ).increment()
    }
}
