package import Domain
package import Logging

/// What a service is told from outside: environment variables first, then the file that `MILLRACE_CONFIG` names.
///
/// | variable | key of the file | meaning |
/// |---|---|---|
/// | `MILLRACE_DATABASE_URL` | | the catalogue, `postgresql://user:password@host:port/database`; required |
/// | `MILLRACE_AMQP_URL` | | the broker, `amqp://user:password@host:port/vhost`; required |
/// | `MILLRACE_CONFIG` | | the YAML file; optional |
/// | `MILLRACE_ADMIN` | `admin` | `host:port` of health and metrics; default `127.0.0.1:0`, the chosen port is logged |
/// | `MILLRACE_INSTANCE` | `instance` | name of this process; default host and process id |
/// | `MILLRACE_LOG` | `log` | `trace`, `debug`, `info` (default), `notice`, `warning`, `error`, `critical` |
/// | `MILLRACE_SIGNING_KEY_FILE` | | private key for offers: Scheduler |
/// | `MILLRACE_TOKEN_KEY_FILE` | | key for bearer tokens: Gateway |
/// | | `scheduler`, `monitor`, ... | a section for each service: see there |
package struct ServiceEnvironment: Sendable {
    /// Variables that only some services need.
    package enum Need: Sendable { case signingKey, tokenKey }

    package let databaseURL: Secret
    package let amqpURL: Secret
    package let admin: HostPort
    package let identity: Identity
    package let logLevel: Logger.Level
    /// Paths; given if needed.
    package let signingKeyFile: String?
    package let tokenKeyFile: String?
    /// The service's own section of the file.
    package let settings: ConfigurationValues

    /// Names of the sections a file may have.
    package static let services = ["scheduler", "monitor", "bookkeeper", "transfer", "gateway"]

    /// - Parameters:
    ///   - environment: of the process.
    ///   - service: such as `scheduler`: names the section.
    ///   - section: what the service's section may hold.
    ///   - needs: further variables that must be there.
    /// - Throws: ``ConfigurationError``: which variable or key, and what to do.
    package static func read(
        _ environment: [String: String],
        service: String,
        section: DocumentShape = .keys([:], required: []),
        needs: Set<Need> = []
    ) throws(ConfigurationError) -> ServiceEnvironment {
        let variables = Variables(environment)
        let file = try Self.file(variables, service, section)
        return ServiceEnvironment(
            databaseURL: Secret(
                try variables.required("MILLRACE_DATABASE_URL", "postgresql://user:password@host:5432/millrace")
            ),
            amqpURL: Secret(try variables.required("MILLRACE_AMQP_URL", "amqp://user:password@host:5672/")),
            admin: try Self.admin(variables, file),
            identity: Identity(
                service: service,
                instance: try Self.instance(variables, file)
            ),
            logLevel: try Self.logLevel(variables, file),
            signingKeyFile: try variables.file("MILLRACE_SIGNING_KEY_FILE", needed: needs.contains(.signingKey)),
            tokenKeyFile: try variables.file("MILLRACE_TOKEN_KEY_FILE", needed: needs.contains(.tokenKey)),
            settings: try file.section(service)
        )
    }

    private static func file(
        _ variables: Variables,
        _ service: String,
        _ section: DocumentShape
    ) throws(ConfigurationError) -> ConfigurationValues {
        guard let path = variables.optional("MILLRACE_CONFIG") else { return .empty(source: "MILLRACE_CONFIG") }
        var keys: [String: DocumentShape] = ["instance": .scalar, "admin": .scalar, "log": .scalar]
        for name in Self.services { keys[name] = .any }
        keys[service] = section
        let node = try ConfigurationFile.load(path: path, shape: .keys(keys, required: []))
        return try ConfigurationValues(node, source: path)
    }

    private static func instance(
        _ variables: Variables,
        _ file: ConfigurationValues
    ) throws(ConfigurationError) -> String? {
        if let name = variables.optional("MILLRACE_INSTANCE") { return name }
        return try file.optionalString("instance")
    }

    private static func admin(
        _ variables: Variables,
        _ file: ConfigurationValues
    ) throws(ConfigurationError) -> HostPort {
        let wanted = "must be host:port, such as 127.0.0.1:9100"
        if let text = variables.optional("MILLRACE_ADMIN") {
            guard let address = HostPort(text) else {
                throw variables.error("MILLRACE_ADMIN", "\(wanted), not \(text)")
            }
            return address
        }
        let text = try file.string("admin", default: "127.0.0.1:0")
        guard let address = HostPort(text) else { throw file.error("admin", "\(wanted), not \(text)") }
        return address
    }

    private static func logLevel(
        _ variables: Variables,
        _ file: ConfigurationValues
    ) throws(ConfigurationError) -> Logger.Level {
        let wanted = "must be one of " + Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        if let text = variables.optional("MILLRACE_LOG") {
            guard let level = Logger.Level(rawValue: text) else {
                throw variables.error("MILLRACE_LOG", "\(wanted), not \(text)")
            }
            return level
        }
        let text = try file.string("log", default: "info")
        guard let level = Logger.Level(rawValue: text) else { throw file.error("log", "\(wanted), not \(text)") }
        return level
    }
}

/// Environment variables, with the errors about them.
private struct Variables {
    private let values: [String: String]

    init(_ values: [String: String]) { self.values = values }

    func error(_ name: String, _ message: String) -> ConfigurationError {
        ConfigurationError(source: "environment", path: name, message)
    }

    /// Empty is as good as not set.
    func optional(_ name: String) -> String? { self.values[name].flatMap { $0.isEmpty ? nil : $0 } }

    func required(_ name: String, _ example: String) throws(ConfigurationError) -> String {
        guard let value = self.optional(name) else {
            throw self.error(name, "is not set: export \(name)=\(example), or see `millrace env`")
        }
        return value
    }

    func file(_ name: String, needed: Bool) throws(ConfigurationError) -> String? {
        let value = self.optional(name)
        guard needed, value == nil else { return value }
        throw self.error(name, "is not set: export it with the path of the key file, or see `millrace env`")
    }
}
