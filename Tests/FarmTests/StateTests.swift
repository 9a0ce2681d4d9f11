import Access
import Domain
import Foundation
import Glibc
import Logging
import PrivateServers
import Testing
import Yams

@testable import Farm

@Suite struct StateTests {
    private func mode(_ path: String) -> UInt32 {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func secretsAreReadableByTheirOwnerAlone() async throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        try await FarmKeys.ensure(layout)
        for path in [layout.signingKey, layout.tokenKey, layout.brokerPassword] { #expect(self.mode(path) == 0o600) }
        for part in ["keys", "secrets", "logs", "agents"] { #expect(self.mode("\(layout.state)/\(part)") == 0o700) }
    }

    @Test func keysAreMadeOnce() async throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        try await FarmKeys.ensure(layout)
        let paths = [layout.signingKey, layout.signingPublicKey, layout.tokenKey, layout.brokerPassword]
        let first = try paths.map(PrivateFiles.readAll)
        try await FarmKeys.ensure(layout)
        #expect(try paths.map(PrivateFiles.readAll) == first)
        #expect(Set(first).count == 4)
    }

    @Test func aDamagedKeyIsNotReplaced() async throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        try PrivateFiles.write("short\n", to: layout.tokenKey)
        let error = await #expect(throws: FarmError.self) { try await FarmKeys.ensure(layout) }
        #expect(error?.code == .damagedState)
        #expect(try PrivateFiles.readAll(layout.tokenKey) == "short\n")
    }

    @Test func theTokenIsOfAnAdministratorAndEnds() async throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        try await FarmKeys.ensure(layout)
        let tokens = try await TokenMaker(key: PrivateFiles.readAll(layout.tokenKey))
        let token = try await tokens.check(FarmKeys.token(layout, user: "ann", life: .seconds(3600)))
        #expect(token.who == "ann")
        #expect(token.role == .administrator)
        #expect(abs(Double(token.expires) - Date().timeIntervalSince1970 - 3600) < 600)
        let old = try await FarmKeys.token(layout, user: "ann", life: .seconds(-60))
        await #expect(throws: AccessError.self) { try await tokens.check(old) }
    }

    @Test func oneFolderHasOneFarm() throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        let first = try FarmLock(layout)
        let error = #expect(throws: FarmError.self) { _ = try FarmLock(layout) }
        #expect(error?.code == .alreadyRunning)
        #expect(error?.description.contains(layout.state) == true)
        extendLifetime(first)
    }

    @Test func theLockIsFreeAfterItsHolder() throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        do { extendLifetime(try FarmLock(layout)) }
        extendLifetime(try FarmLock(layout))
    }

    @Test func aFileInPlaceOfTheFolderIsAnErrorThatNamesIt() throws {
        let path = try Scratch.folder() + "/file"
        try PrivateFiles.write("", to: path)
        let error = #expect(throws: FarmError.self) { try FarmFolder.prepare(path + "/state") }
        #expect(error?.code == .folderUnusable)
        #expect(error?.description.contains(path) == true)
    }

    @Test func aDiskWithoutRoomIsAnErrorThatSaysWhatToDo() throws {
        let error = #expect(throws: FarmError.self) { try FarmFolder.checkSpace("/", needed: .max) }
        #expect(error?.code == .diskFull)
        #expect(error?.description.contains("MILLRACE_STATE") == true)
        try FarmFolder.checkSpace("/", needed: 1)
    }

    @Test func aFailureForLackOfRoomSaysSo() {
        let error = FarmFolder.explain(ServerError("cannot write /x: \(String(cString: strerror(ENOSPC)))"), "/")
        #expect(error.code == .diskFull)
        #expect(FarmFolder.explain(ServerError("cannot write /x: denied"), "/").code == .folderUnusable)
        #expect(FarmFolder.explain(ServerError("no user: apt-get install postgresql"), "/").code == .serverMissing)
        #expect(FarmFolder.explain(ServerError("one\ntwo"), "/") == FarmError(.startFailed, "one; two"))
    }

    @Test func anAgentsFileKeepsWhatItsOwnerWrote() throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        let site = FarmSite(name: "north", storage: "NORTH")
        let path = layout.agentFile("north")
        try PrivateFiles.makeReachableFolder(layout.agent("north"))
        try AgentFile.forThisMachine(site: site, amqp: "amqp://one/", layout: layout).write(to: path)
        var edited = try AgentFile.read(path)
        #expect(edited.storage == ["NORTH": AgentFile.Storage(kind: "posix", base: layout.storage("NORTH"))])
        #expect(self.mode(path) == 0o600)
        #expect(edited.loopingSeconds == nil)
        edited.slots = 77
        edited.loopingSeconds = 60
        try PrivateFiles.replace(path, with: "# mine\n" + edited.yaml())
        try AgentFile.forThisMachine(site: site, amqp: "amqp://one/", layout: layout).write(to: path)
        #expect(try PrivateFiles.readAll(path).hasPrefix("# mine\n"))
        try AgentFile.forThisMachine(site: site, amqp: "amqp://two/", adminPort: 99, layout: layout).write(to: path)
        let now = try AgentFile.read(path)
        #expect(now.loopingSeconds == 60)
        #expect(now.slots == 77 && now.amqp == "amqp://two/" && now.admin == "127.0.0.1:99")
    }

    /// What this program does not know may be a newer agent's, or older than it: it is its owner's.
    @Test func anAgentsFileKeepsEveryKey() throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        let (site, path) = (FarmSite(name: "north", storage: "NORTH"), layout.agentFile("north"))
        try PrivateFiles.makeReachableFolder(layout.agent("north"))
        let folder = layout.agent("north")
        func keys(amqp: String, key: String, admin: String) -> String {
            """
            site: north
            agent: head1
            amqp: \(amqp)
            passwordFile: /etc/millrace/password
            work: \(folder)/work
            slots: 8
            memoryMBPerCore: 2000
            walltimeSeconds: 86400
            diskMB: 50000
            platform: linux-x86_64
            tags: [gpu, "12"]
            storage:
              NORTH: {kind: posix, base: \(folder)/disk}
            output: NORTH
            signingKey: \(key)
            executor: local
            software: {folder: \(folder)/software}
            loopingSeconds: 0
            python: /usr/bin/python3.11
            admin: \(admin)
            later:
              - {deep: [1, 2.50, yes, "no"], text: "a: b # c"}

            """
        }
        let former = keys(amqp: "amqp://one/", key: "/old.pub", admin: "127.0.0.1:1")
        try PrivateFiles.replace(path, with: "# mine\n# all of it\n" + former)
        try AgentFile.forThisMachine(site: site, amqp: "amqp://north:secret@two/", adminPort: 99, layout: layout).write(
            to: path
        )
        let text = try PrivateFiles.readAll(path)
        #expect(text.hasPrefix("# mine\n# all of it\nsite: north\n"), "\(text)")
        let wanted = keys(amqp: "amqp://north@two/", key: layout.signingPublicKey, admin: "127.0.0.1:99")
        #expect(try Yams.compose(yaml: text) == Yams.compose(yaml: wanted), "\(text)")
        // Nothing is different now: not a byte is touched.
        try AgentFile.forThisMachine(site: site, amqp: "amqp://north:secret@two/", adminPort: 99, layout: layout).write(
            to: path
        )
        #expect(try PrivateFiles.readAll(path) == text)
        // Without an admin port there is none.
        try AgentFile.forThisMachine(site: site, amqp: "amqp://north:secret@two/", layout: layout).write(to: path)
        #expect(try Yams.compose(yaml: PrivateFiles.readAll(path))?["admin"] == nil)
        #expect(try Yams.compose(yaml: PrivateFiles.readAll(path))?["python"] == "/usr/bin/python3.11")
    }

    @Test(arguments: ["site: [north", "- a\n- b\n", "site: north\n"])
    func anAgentsFileThatCannotBeReadIsLeftAlone(_ damaged: String) throws {
        let layout = try FarmFolder.prepare(Scratch.folder())
        let (site, path) = (FarmSite(name: "north", storage: "NORTH"), layout.agentFile("north"))
        try PrivateFiles.makeReachableFolder(layout.agent("north"))
        try PrivateFiles.replace(path, with: damaged)
        let error = #expect(throws: FarmError.self) {
            try AgentFile.forThisMachine(site: site, amqp: "amqp://two/", layout: layout).write(to: path)
        }
        #expect(error?.code == .damagedState)
        #expect(try PrivateFiles.readAll(path) == damaged)
    }

    @Test func aLogOverItsLimitIsMovedAndItsWriterGoesOn() throws {
        let log = try Scratch.folder() + "/x.log"
        let writer = open(log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        defer { close(writer) }
        func write(_ text: String) { #expect(Glibc.write(writer, text, text.utf8.count) == text.utf8.count) }
        for round in 1...5 {
            write("round \(round)\n")
            #expect(try LogFile.rotate(log, limit: 3))
        }
        write("x\n")
        #expect(try !LogFile.rotate(log, limit: 3))
        #expect(try PrivateFiles.readAll(log) == "x\n")
        #expect(
            try (1...3).map { try PrivateFiles.readAll("\(log).\($0)") } == ["round 5\n", "round 4\n", "round 3\n"]
        )
        #expect(!PrivateFiles.exists("\(log).4"))
    }

    @Test func theLastWordsOfALogAreItsLastFullLine() throws {
        let log = try Scratch.folder() + "/x.log"
        try PrivateFiles.write("one\ntwo\n\n  \n", to: log)
        #expect(LogFile.lastLine(log) == "two")
        #expect(LogFile.lastLine(log + ".missing") == "nothing was written")
    }

    @Test func exportsBearAnyValue() {
        #expect(Farm.export("A", "it's $1") == #"export A='it'\''s $1'"#)
    }

    @Test func whereThereIsNoFarmThereIsNothingToStopOrToReach() async throws {
        let state = try Scratch.folder() + "/none"
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        #expect(try Farm.status(state: state) == nil)
        #expect(try await Farm.down(state: state, logger: logger) == .wasNotRunning(state: state))
        let error = await #expect(throws: FarmError.self) { try await Farm.environment(state: state) }
        #expect(error?.code == .notRunning)
        #expect(!PrivateFiles.exists(state))
    }
}
