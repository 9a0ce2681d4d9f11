import Domain
import Storage

/// What a site administrator writes: `agent.yaml`.
struct AgentConfig: Sendable, Equatable {
    var site: String
    var agent: String
    /// Address of the broker, password included: never logged.
    var amqp: String
    var work: String
    var logs: String
    var software: String
    var storage: [StorageElement]
    /// The storage element that outputs go to.
    var output: String
    /// File with the Scheduler's Ed25519 public key, base64.
    var signingKey: String
    var slots: Int
    var memoryMBPerCore: Int
    var walltimeSeconds: Int
    var diskMB: Int
    var platform: String
    var tags: [String]
    var heartbeatSeconds: Int
    /// A step that neither writes anything nor uses CPU for so long is ended; 0: none is.
    var loopingSeconds: Int
    var python: String
    /// What its attempts are said to be part of, as the site's batch system names it; nil: what its environment says, if anything.
    var submission: String?
    /// `host:port` of health and metrics; nil: none.
    var admin: String?

    /// What the agent says it offers.
    var capacity: Capacity {
        Capacity(
            cores: self.slots,
            memoryMBPerCore: self.memoryMBPerCore,
            walltimeSeconds: self.walltimeSeconds,
            diskMB: self.diskMB,
            platform: self.platform,
            tags: self.tags,
            storage: self.storage.map(\.name).sorted()
        )
    }

    /// `linux-x86_64` or what else this binary was made for.
    static var ownPlatform: String {
        #if arch(x86_64)
        "linux-x86_64"
        #elseif arch(arm64)
        "linux-aarch64"
        #else
        "any"
        #endif
    }

    static let shape = DocumentShape.keys(
        [
            "site": .scalar, "agent": .scalar, "amqp": .scalar, "passwordFile": .scalar, "work": .scalar,
            "slots": .scalar, "memoryMBPerCore": .scalar, "walltimeSeconds": .scalar, "diskMB": .scalar,
            "platform": .scalar, "tags": .list(.scalar),
            "storage": .anyKeys(.keys(["kind": .scalar, "base": .scalar], required: ["kind", "base"])),
            "output": .scalar, "signingKey": .scalar, "executor": .scalar,
            "software": .keys(["folder": .scalar], required: ["folder"]),
            "logs": .keys(["folder": .scalar], required: ["folder"]),
            "heartbeatSeconds": .scalar, "loopingSeconds": .scalar, "python": .scalar,
            "submission": .scalar, "admin": .scalar,
        ],
        required: ["site", "agent", "work", "slots", "storage", "output", "signingKey"]
    )
}

extension AgentConfig {
    /// - Parameters:
    ///   - node: the parsed document.
    ///   - environment: `MILLRACE_AMQP_URL` replaces `amqp`.
    ///   - readFile: reads `passwordFile`.
    /// - Throws: ``DocumentProblem`` for the first mistake.
    init(
        _ node: DocumentNode,
        environment: [String: String],
        readFile: (String) throws -> String
    ) throws {
        if let problem = Self.shape.problems(in: node).first { throw problem }
        let reader = ConfigReader(node)
        self.site = try reader.name("site")
        self.agent = try reader.name("agent")
        self.work = try reader.path("work")
        self.logs = try reader.optionalPath("folder", of: "logs") ?? self.work + "/logs"
        self.software = try reader.optionalPath("folder", of: "software") ?? self.work + "/software"
        self.slots = try reader.number("slots", 1...4096)
        self.memoryMBPerCore = try reader.number("memoryMBPerCore", 1...16_777_216, default: 2000)
        self.walltimeSeconds = try reader.number("walltimeSeconds", 1...31_536_000, default: 86_400)
        self.diskMB = try reader.number("diskMB", 0...1_000_000_000, default: 10_000)
        self.platform = reader.text("platform") ?? Self.ownPlatform
        self.tags = reader.texts("tags")
        self.heartbeatSeconds = try reader.number("heartbeatSeconds", 1...3600, default: 10)
        self.loopingSeconds = try reader.number("loopingSeconds", 0...31_536_000, default: 7200)
        self.python = try reader.optionalPath("python") ?? "/usr/bin/python3"
        self.submission = try reader.line("submission", limit: 200)
        self.admin = reader.text("admin")
        self.signingKey = try reader.path("signingKey")
        let (storage, output) = (try reader.storage(), try reader.required("output"))
        (self.storage, self.output) = (storage, output)
        if let executor = reader.text("executor"), executor != "local" {
            throw reader.problem("executor", "\(executor) is not known; known: local")
        }
        guard storage.contains(where: { $0.name == output }) else {
            throw reader.problem("output", "\(output) is not one of the storage elements of this file")
        }
        let url = environment["MILLRACE_AMQP_URL"] ?? reader.text("amqp")
        guard let url, !url.isEmpty else {
            throw reader.problem("amqp", "is missing; give the broker's address here or in MILLRACE_AMQP_URL")
        }
        self.amqp = url
        if let file = reader.text("passwordFile"), environment["MILLRACE_AMQP_URL"] == nil {
            self.amqp = try Self.insert(password: readFile(file), into: url, reader)
        }
    }

    /// Puts the password of a file into an address that names only the user.
    private static func insert(password: String, into url: String, _ reader: ConfigReader) throws -> String {
        guard let slash = url.firstIndex(of: "/"), let at = url[slash...].firstIndex(of: "@"),
            !url[slash..<at].contains(":")
        else {
            throw reader.problem("passwordFile", "needs an amqp address with a user and no password, amqp://user@host/")
        }
        let line = password.prefix { !$0.isNewline }
        let escaped = line.utf8.map { byte -> String in
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || [45, 46, 95, 126].contains(byte)
            if isPlain { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }
        return String(url[..<at]) + ":" + escaped.joined() + String(url[at...])
    }
}
