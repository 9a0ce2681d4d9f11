import Domain
import Glibc
import Logging
import ServiceKit
import TestSupport
import Testing

@Suite struct ConfigurationTests {
    private let shape: DocumentShape = .keys(
        [
            "name": .scalar, "every": .scalar, "count": .scalar, "share": .scalar, "on": .scalar,
            "sites": .list(.scalar),
            "inner": .keys(["path": .scalar], required: ["path"]),
            "stores": .list(.keys(["name": .scalar], required: ["name"])),
        ],
        required: ["name"]
    )

    private func write(_ text: String) throws -> String {
        let path = try TestFolder.make("configuration") + "/file.yaml"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        return path
    }

    private func load(_ text: String) throws -> ConfigurationValues {
        let path = try self.write(text)
        return try ConfigurationValues(ConfigurationFile.load(path: path, shape: self.shape), source: "file.yaml")
    }

    private func problem(_ text: String) throws -> String {
        let path = try self.write(text)
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationFile.load(path: path, shape: self.shape)
        }
        return error.description.replacing(path, with: "FILE")
    }

    @Test func everyKindOfValueIsRead() throws {
        let values = try self.load(
            """
            name: "null"
            every: 5m
            count: 7
            share: 0.25
            on: true
            sites: [a, b]
            inner: {path: /x}
            stores:
              - name: one
              - name: two
            """
        )
        #expect(try values.string("name") == "null")
        #expect(try values.duration("every") == .seconds(300))
        #expect(try values.int("count", in: 1...9) == 7)
        #expect(try values.number("share", in: 0...1, default: 0) == 0.25)
        #expect(try values.bool("on", default: false))
        #expect(try values.list("sites") == ["a", "b"])
        #expect(try values.section("inner").string("path") == "/x")
        #expect(try values.sections("stores").map { try $0.string("name") } == ["one", "two"])
    }

    @Test func whatIsNotThereHasItsDefault() throws {
        let values = try self.load("name: x\n")
        #expect(try values.duration("every", default: .seconds(3)) == .seconds(3))
        #expect(try values.int("count", in: 1...9, default: 4) == 4)
        #expect(try values.bool("on", default: true))
        #expect(try values.list("sites").isEmpty)
        #expect(try values.section("inner").keys.isEmpty)
        #expect(try values.sections("stores").isEmpty)
    }

    @Test func anUnknownKeyIsNamedWithItsLineAndTheKnownOnes() throws {
        let text = try self.problem("name: x\ninner:\n  path: /x\n  pth: /y\n")
        #expect(text == "FILE:4: inner.pth: unknown key; known here: path")
    }

    @Test func aMissingKeyIsNamed() throws {
        #expect(try self.problem("count: 1\n") == "FILE:1: key name is missing")
        #expect(try self.problem("") == "FILE:1: key name is missing")
    }

    @Test func aWrongKindOfPartIsNamed() throws {
        #expect(try self.problem("name: x\nsites: a\n") == "FILE:2: sites: must be a list")
        #expect(try self.problem("name: [x]\n") == "FILE:1: name: must be one value, not a list or a group")
    }

    @Test func allProblemsAreToldAtOnce() throws {
        let text = try self.problem("nam: x\nsites: a\n")
        #expect(text.contains("key name is missing; ") && text.contains("FILE:2: sites: must be a list"))
    }

    @Test(arguments: [
        "name: [x\n", "name: x\n- y\n", "name: x\nname: y\n", "? [a]\n: b\n", "a: *b\n", "a: 1\n---\nb: 2\n",
    ])
    func whatIsNoCleanYAMLIsRefusedWithItsLine(text: String) throws {
        let message = try self.problem(text)
        #expect(message.wholeMatch(of: /FILE:[0-9]+: .+/) != nil, "\(message)")
    }

    @Test func aliasesThatExplodeAreRefused() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...6 {
            let items = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(items)]\n"
        }
        #expect(throws: ConfigurationError.self) { try YAMLDocument.node(from: text, name: "bomb") }
    }

    @Test(arguments: [("every", "5 minutes"), ("count", "10"), ("count", "x"), ("on", "yes"), ("share", "2")])
    func aWrongValueIsToldWithItsPlace(key: String, value: String) throws {
        let values = try self.load("name: x\n\(key): \(value)\n")
        let error = try #require(throws: ConfigurationError.self) {
            _ = try values.duration("every", default: .zero)
            _ = try values.int("count", in: 1...9, default: 1)
            _ = try values.bool("on", default: true)
            _ = try values.number("share", in: 0...1, default: 0)
        }
        #expect(error.description.hasPrefix("file.yaml:2: \(key): must be "))
        #expect(error.description.hasSuffix("not \(value)"))
    }

    @Test func aMissingFileSaysSo() {
        let error = #expect(throws: ConfigurationError.self) { try ConfigurationFile.text(path: "/none/there.yaml") }
        #expect(error?.description == "/none/there.yaml: cannot be read: No such file or directory")
    }

    @Test(arguments: [
        ("250ms", Duration.milliseconds(250)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("12h", .seconds(43_200)),
        ("7d", .seconds(604_800)), ("0s", .zero),
    ])
    func timesAreReadAndWritten(text: String, duration: Duration) {
        #expect(DurationText.parse(text) == duration)
        #expect(DurationText.text(duration) == text)
    }

    @Test(arguments: [
        "", "5", "m", "-5m", "5 m", "1.5h", "5mm", "99999999999999999999s", "9000000000000000000d", "40000d",
    ])
    func whatIsNoTimeIsNone(text: String) { #expect(DurationText.parse(text) == nil) }

    @Test(arguments: ["127.0.0.1:80", "[::1]:0", "host:65535"])
    func addressesAreReadAndWritten(text: String) { #expect(HostPort(text)?.description == text) }

    @Test(arguments: ["", "host", ":80", "host:65536", "host:x", "::1:80"])
    func whatIsNoAddressIsNone(text: String) { #expect(HostPort(text) == nil) }

    @Test func aSecretIsNeverShown() {
        let secret = Secret("pass")
        var text = "\(secret) \(String(reflecting: secret)) \([secret])"
        dump(secret, to: &text)
        #expect(!text.contains("pass"))
        #expect(secret.value == "pass")
    }
}

@Suite struct ServiceEnvironmentTests {
    private let base = [
        "MILLRACE_DATABASE_URL": "postgresql://u:secret1@h/d", "MILLRACE_AMQP_URL": "amqp://u:secret2@h",
    ]

    private func read(
        _ more: [String: String] = [:],
        needs: Set<ServiceEnvironment.Need> = []
    ) throws -> ServiceEnvironment {
        try ServiceEnvironment.read(
            self.base.merging(more) { $1 },
            service: "scheduler",
            section: .keys(["batch": .scalar], required: []),
            needs: needs
        )
    }

    private func file(_ text: String) throws -> [String: String] {
        let path = try TestFolder.make("environment") + "/millrace.yaml"
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
        return ["MILLRACE_CONFIG": path]
    }

    @Test func theTwoAddressesAreEnough() throws {
        let environment = try self.read()
        #expect(environment.databaseURL.value == "postgresql://u:secret1@h/d")
        #expect(environment.admin == HostPort(host: "127.0.0.1", port: 0))
        #expect(environment.logLevel == .info)
        #expect(environment.identity.instance == "\(environment.identity.host)-\(getpid())")
        #expect(environment.settings.keys.isEmpty)
        #expect(!"\(environment)".contains("secret"))
    }

    @Test(arguments: ["MILLRACE_DATABASE_URL", "MILLRACE_AMQP_URL"])
    func aMissingAddressIsNamedWithWhatToDo(name: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try self.read([name: ""]) }
        #expect(error.description.hasPrefix("environment: \(name): is not set: export \(name)="))
        #expect(!error.description.contains("secret"))
    }

    @Test func theVariableWinsOverTheFile() throws {
        let file = try self.file(
            "instance: a\nadmin: 127.0.0.1:1\nlog: debug\nscheduler: {batch: 5}\nmonitor: {x: 1}\n"
        )
        let fromFile = try self.read(file)
        #expect(fromFile.identity.instance == "a")
        #expect(fromFile.admin.port == 1)
        #expect(fromFile.logLevel == .debug)
        #expect(try fromFile.settings.int("batch", in: 1...9) == 5)
        let variables = ["MILLRACE_INSTANCE": "b", "MILLRACE_ADMIN": "127.0.0.1:2", "MILLRACE_LOG": "error"]
        let both = try self.read(file.merging(variables) { $1 })
        #expect(both.identity.instance == "b")
        #expect(both.admin.port == 2)
        #expect(both.logLevel == .error)
    }

    @Test func anUnknownKeyOfTheServicesOwnSectionIsRefused() throws {
        let file = try self.file("scheduler: {batsch: 5}\n")
        let error = try #require(throws: ConfigurationError.self) { try self.read(file) }
        #expect(error.description.hasSuffix(":1: scheduler.batsch: unknown key; known here: batch"))
    }

    @Test(arguments: [("MILLRACE_ADMIN", "x"), ("MILLRACE_LOG", "loud")])
    func aWrongVariableIsNamed(name: String, value: String) throws {
        let error = try #require(throws: ConfigurationError.self) { try self.read([name: value]) }
        #expect(error.description.hasPrefix("environment: \(name): must be "))
    }

    @Test func aKeyFileThatIsNeededMustBeGiven() throws {
        #expect(throws: ConfigurationError.self) { try self.read(needs: [.signingKey]) }
        let environment = try self.read(["MILLRACE_SIGNING_KEY_FILE": "/k"], needs: [.signingKey])
        #expect(environment.signingKeyFile == "/k")
    }
}
