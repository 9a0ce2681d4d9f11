import Domain
import Access
import Catalog
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceKit
import ServiceLifecycle

/// The public port: API, events, pages.
struct GatewayServer: Service, CustomStringConvertible {
    /// The largest body of a request, bytes: a workflow with its sandbox.
    static let bodyLimit = 1 << 20
    /// How long a connection may be silent between requests, or take to send one.
    private static let idleTimeout = TimeAmount.seconds(60)
    private static let connectionLimit = 1000

    let gateway: Gateway
    let address: HostPort
    let onListening: @Sendable (HostPort) async -> Void

    var description: String { "gateway server" }

    /// - Throws: ``StartupError`` if the address cannot be had.
    func run() async throws {
        var quiet = self.gateway.logger
        quiet.logLevel = max(quiet.logLevel, .warning)
        let application = Application(
            router: Self.router(self.gateway),
            server: .http1(
                configuration: .init(
                    idleTimeout: Self.idleTimeout,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16 << 10,
                        maxHeaderListSize: 32 << 10,
                        maxHeaderFieldCount: 100
                    )
                )
            ),
            configuration: ApplicationConfiguration(
                address: .hostname(self.address.host, port: self.address.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionLimit)
            ),
            onServerRunning: { channel in
                let chosen = HostPort(host: self.address.host, port: channel.localAddress?.port ?? self.address.port)
                self.gateway.logger.notice("the gateway listens", metadata: ["address": "\(chosen)"])
                await self.onListening(chosen)
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch let error as IOError {
            throw StartupError("the gateway cannot listen on \(self.address): \(error); choose MILLRACE_GATEWAY")
        }
    }

    static func router(_ gateway: Gateway) -> Router<GatewayContext> {
        let router = Router(context: GatewayContext.self)
        router.add(middleware: SecurityHeaders())
        router.add(middleware: ErrorAnswers(logger: gateway.logger))
        AdminRoutes.add(to: router, health: gateway.health, metrics: gateway.metrics)
        for route in Route.all {
            router.on(RouterPath(Route.base + route.path), method: route.method) { request, context in
                try await Self.answer(route, request, context, gateway)
            }
        }
        for file in Assets.files {
            router.on(RouterPath(file.path), method: .get) { request, _ in
                file.isPage ? try await Self.page(file, request, gateway) : Self.file(file)
            }
        }
        return router
    }

    private static func answer(
        _ route: Route,
        _ request: Request,
        _ context: GatewayContext,
        _ gateway: Gateway
    ) async throws -> Response {
        let token = try await gateway.identification.caller(of: request)
        let caller = Caller(who: token.who, role: token.role)
        guard caller.role >= route.role else {
            throw Refusal(
                .forbidden,
                "\(caller.who) is a \(caller.role.rawValue); this needs a \(route.role.rawValue) or more"
            )
        }
        let query = try Call.query(of: request, known: route.query)
        var body: [UInt8] = []
        if route.method == .post {
            var copy = request
            body = Array(buffer: try await copy.collectBody(upTo: Self.bodyLimit))
        }
        let call = Call(caller: caller, token: token, request: request, context: context, query: query, body: body)
        return try await route.handle(gateway, call).response
    }

    /// A page; with a token in the address, the token moves into a cookie and out of the address first.
    private static func page(_ file: Assets.File, _ request: Request, _ gateway: Gateway) async throws -> Response {
        let query = try Call.query(of: request, known: ["token"])
        guard let text = query["token"] else { return Self.file(file) }
        let token = try await gateway.identification.check(text)
        let age = max(0, token.expires - Moment.now.microseconds / 1_000_000)
        return Response(
            status: .seeOther,
            headers: [
                .location: file.path, .cacheControl: "no-store",
                .setCookie: "\(Identification.cookie)=\(text); Path=/; Max-Age=\(age); HttpOnly; SameSite=Strict",
            ]
        )
    }

    private static func file(_ file: Assets.File) -> Response {
        Response(
            status: .ok,
            headers: [.contentType: file.type, .cacheControl: "no-cache"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: file.bytes))
        )
    }
}
