import Access
import Domain
import Farm

/// The farm of this machine, in MILLRACE_STATE (default `./.millrace`).
enum LocalFarm {
    static var state: String { Environment.value("MILLRACE_STATE") ?? ".millrace" }

    /// The site of a new farm, its storage element, and the one where finished data belong.
    static let site = FarmSite(name: "LOCAL", agent: "main", storage: "LOCAL-DISK")
    static let home = "HOME-DISK"

    /// The Gateway of the farm that runs here, with a token of this machine's user.
    static func address() async throws -> GatewayAddress {
        guard let record = try Farm.status(state: self.state) else {
            throw CommandFailure(
                .usage,
                "MILLRACE_URL and MILLRACE_TOKEN are not set and no farm runs in \(self.state): set both, or run millrace up"
            )
        }
        return try await self.address(of: record, who: Environment.value("USER") ?? "operator", role: .administrator)
    }

    /// The Gateway of a farm, with a token for anybody: whoever can read the key may do everything.
    static func address(of record: FarmRecord, who: String, role: Role) async throws -> GatewayAddress {
        GatewayAddress(
            url: record.url,
            token: try await self.token(state: record.state, who: who, role: role, seconds: 86_400),
            advice: "see millrace status",
            tokenAdvice: "the farm's key was changed while it ran: millrace down, then millrace up"
        )
    }

    static func token(state: String, who: String, role: Role, seconds: Double) async throws -> String {
        let file = try FarmLayout(state: state).tokenKey
        let key: String
        do {
            key = try TextFile.read(file)
        } catch {
            throw CommandFailure(.failed, "\(file) cannot be read: \(error.reason)")
        }
        return try await TokenMaker(key: key).token(who: who, role: role, seconds: seconds)
    }

    /// MILLRACE_DATABASE_URL, else that of the farm here.
    static func databaseURL() async throws -> String { try await self.setting("MILLRACE_DATABASE_URL") }

    /// MILLRACE_AMQP_URL, else that of the farm here.
    static func brokerURL() async throws -> String { try await self.setting("MILLRACE_AMQP_URL") }

    private static func setting(_ name: String) async throws -> String {
        if let value = Environment.value(name) { return value }
        guard try Farm.status(state: self.state) != nil,
            let found = try await Farm.environment(state: self.state).first(where: { $0.name == name })
        else {
            throw CommandFailure(
                .usage,
                "\(name) is not set and no farm runs in \(self.state): set it, or run millrace up"
            )
        }
        return found.value
    }
}
