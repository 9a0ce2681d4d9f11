import Glibc

/// Where the centre is and who the caller is.
struct GatewayAddress: Sendable {
    /// Without a slash at the end.
    let url: String
    let token: String
    /// What to do when nobody answers there.
    let advice: String
    /// What to do when the token is refused.
    let tokenAdvice: String

    /// From MILLRACE_URL and MILLRACE_TOKEN; without them, from the farm that runs here.
    static func find() async throws -> GatewayAddress {
        if let address = try self.fromEnvironment(Environment.value) { return address }
        return try await LocalFarm.address()
    }

    /// - Returns: nil if neither variable is set.
    static func fromEnvironment(_ value: (String) -> String?) throws -> GatewayAddress? {
        switch (value("MILLRACE_URL"), value("MILLRACE_TOKEN")) {
        case (nil, nil): return nil
        case (.some(let url), .some(let token)):
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw CommandFailure(.usage, "MILLRACE_URL is \(url): it must begin with http:// or https://")
            }
            return GatewayAddress(
                url: url.hasSuffix("/") ? String(url.dropLast()) : url,
                token: token,
                advice: "is MILLRACE_URL right, and does the Gateway run?",
                tokenAdvice: "MILLRACE_TOKEN is not good there: get a new one"
            )
        case (.some, nil):
            throw CommandFailure(
                .usage,
                "MILLRACE_URL is set but MILLRACE_TOKEN is not: set both (millrace env prints them)"
            )
        case (nil, .some):
            throw CommandFailure(
                .usage,
                "MILLRACE_TOKEN is set but MILLRACE_URL is not: set both (millrace env prints them)"
            )
        }
    }
}

/// The environment of this process.
enum Environment {
    /// - Returns: nil for a variable that is not set or empty.
    static func value(_ name: String) -> String? {
        guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        return text
    }
}
