/// What there is to reach: for the services, and for the migration and the seed.
package struct FarmEndpoints: Equatable, Sendable {
    package var databaseURL: String
    package var amqpURL: String
    /// RabbitMQ's management API, with the administrator's password.
    package var brokerAdminURL: String
    /// The Gateway.
    package var url: String
    /// The state folder.
    package var state: String
    package var sites: [FarmSite]

    /// The folder of a site's storage element.
    package func storageFolder(_ site: FarmSite) -> String { "\(self.state)/storage/\(site.storage)" }
}

/// One of our programs as the farm runs it.
struct PlannedProgram: Equatable, Sendable {
    /// Such as `scheduler` or `agent-local`: names its row, its log and its admin port.
    let name: String
    /// An absolute path.
    let executable: String
    let environment: [String: String]
    /// `/readyz` is there.
    let adminPort: Int
    /// If it may do without an admin port: it counts as ready when it has stayed up for so long.
    let readyAfter: Duration?
}

/// Which processes a farm has, with which environment, in which order. Pure: it starts nothing.
struct FarmPlan: Equatable, Sendable {
    static let database = "postgres"
    static let broker = "rabbitmq"
    /// Each has an executable `millrace-<name>`.
    static let services = ["scheduler", "monitor", "bookkeeper", "transfer", "gateway"]
    static let agent = "agent"

    static func agentName(_ site: FarmSite) -> String { "\(self.agent)-\(site.name)" }

    /// What must be there to start anything: the names of the executables.
    static func executables(sites: [FarmSite]) -> [String] {
        (self.services + (sites.isEmpty ? [] : [self.agent])).map { "millrace-\($0)" }
    }

    /// The stages in which a farm starts: each waits until the one before is ready.
    static func startOrder(sites: [FarmSite]) -> [[String]] {
        [[Self.database, Self.broker], Self.services, sites.map(Self.agentName)].filter { !$0.isEmpty }
    }

    /// The stages in which it stops: nobody loses what it works with before it is gone itself.
    static func stopOrder(sites: [FarmSite]) -> [[String]] {
        [sites.map(Self.agentName), Self.services, [Self.broker], [Self.database]].filter { !$0.isEmpty }
    }

    let layout: FarmLayout
    let endpoints: FarmEndpoints
    /// Where the executables are.
    let programs: String
    /// By name: see ``PortName``.
    let ports: [String: Int]
    /// Of the supervisor.
    let inherited: [String: String]

    func services() -> [PlannedProgram] {
        Self.services.map { name in
            self.program(name, executable: name, self.serviceEnvironment(name))
        }
    }

    func agents() -> [PlannedProgram] {
        self.endpoints.sites.map { site in
            let settings = ["MILLRACE_CONFIG": self.layout.agentFile(site.name)]
            return self.program(Self.agentName(site), executable: Self.agent, settings)
        }
    }

    private func program(_ name: String, executable: String, _ settings: [String: String]) -> PlannedProgram {
        let port = self.ports[name] ?? 0
        var environment = Self.passedOn(self.inherited).merging(settings) { $1 }
        environment["MILLRACE_ADMIN"] = "127.0.0.1:\(port)"
        return PlannedProgram(
            name: name,
            executable: "\(self.programs)/millrace-\(executable)",
            environment: environment,
            adminPort: port,
            readyAfter: executable == Self.agent ? .seconds(2) : nil
        )
    }

    private func serviceEnvironment(_ name: String) -> [String: String] {
        var settings = [
            "MILLRACE_DATABASE_URL": self.endpoints.databaseURL,
            "MILLRACE_AMQP_URL": self.endpoints.amqpURL,
        ]
        switch name {
        case "scheduler": settings["MILLRACE_SIGNING_KEY_FILE"] = self.layout.signingKey
        case "gateway":
            settings["MILLRACE_TOKEN_KEY_FILE"] = self.layout.tokenKey
            settings["MILLRACE_BROKER_ADMIN_URL"] = self.endpoints.brokerAdminURL
            settings["MILLRACE_GATEWAY"] = "127.0.0.1:\(self.ports[PortName.http] ?? 0)"
        default: break
        }
        return settings
    }

    /// Of our own settings only those that name no other farm; agents never see the catalogue.
    static func passedOn(_ inherited: [String: String]) -> [String: String] {
        let general: Set = [
            "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "SSL_CERT_FILE",
        ]
        let ofOthers: Set = [
            "MILLRACE_DATABASE_URL", "MILLRACE_AMQP_URL", "MILLRACE_BROKER_ADMIN_URL", "MILLRACE_URL", "MILLRACE_TOKEN",
            "MILLRACE_STATE", "MILLRACE_CONFIG", "MILLRACE_ADMIN", "MILLRACE_INSTANCE", "MILLRACE_GATEWAY",
            "MILLRACE_SIGNING_KEY_FILE",
            "MILLRACE_TOKEN_KEY_FILE", Detachment.variable,
        ]
        return inherited.filter { name, _ in
            general.contains(name) || name.hasPrefix("MILLRACE_") && !ofOthers.contains(name)
        }
    }
}
