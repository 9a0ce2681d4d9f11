import Foundation
import Glibc
import PrivateServers
import Testing

@testable import Farm

@Suite struct ProcessTableTests {
    private let now = Date(timeIntervalSince1970: 1_000_000)

    private func table() -> ProcessTable {
        var table = ProcessTable()
        for name in ["a", "b"] { table.add(name, log: "/\(name).log", at: self.now) }
        return table
    }

    @Test func aProcessGoesFromWaitingToReady() throws {
        var table = self.table()
        let identity = try #require(ProcessIdentity.of(getpid()))
        #expect(table["a"]?.state == .waiting)
        table.starting("a", at: self.now + 1)
        #expect(table["a"]?.state == .starting)
        table.started("a", [identity])
        #expect(table["a"]?.state == .starting)
        table.ready("a", at: self.now + 3)
        #expect(table["a"]?.state == .ready)
        #expect(table["a"]?.since == self.now + 3)
        #expect(table["a"]?.processes == [identity])
        #expect(table["b"]?.state == .waiting)
    }

    @Test func anEndIsCountedAndItsReasonKept() {
        var table = self.table()
        table.ended("a", .signal(9), problem: nil, at: self.now)
        table.starting("a", at: self.now)
        table.ready("a", at: self.now)
        #expect(table["a"]?.restarts == 1)
        #expect(table["a"]?.lastExit == .signal(9))
    }

    @Test func aProblemStaysUntilTheProcessIsReady() {
        var table = self.table()
        table.ended("a", .code(3), problem: "bad", at: self.now)
        table.ended("a", .code(4), problem: nil, at: self.now)
        table.starting("a", at: self.now)
        #expect(table.problems(["a", "b"]).map(\.problem) == ["bad"])
        #expect(table.problems(["b"]).isEmpty)
        table.ready("a", at: self.now)
        #expect(table.problems(["a"]).isEmpty)
    }

    @Test func allOfAStageMustBeReady() {
        var table = self.table()
        table.ready("a", at: self.now)
        #expect(table.areReady(["a"]))
        #expect(!table.areReady(["a", "b"]))
        #expect(!table.areReady(["unknown"]))
        #expect(table.areReady([]))
    }

    @Test func stoppingOneIsNotStoppingAll() {
        var table = self.table()
        table.stop("a")
        #expect(table.isStopping("a"))
        #expect(!table.isStopping("b"))
        #expect(!table.isStopping)
    }

    @Test func addingTwiceKeepsTheFirst() {
        var table = self.table()
        table.ready("a", at: self.now)
        table.add("a", log: "/other", at: self.now)
        #expect(table.rows.map(\.name) == ["a", "b"])
        #expect(table["a"]?.state == .ready)
    }

    @Test(arguments: [(ServerProcess.Exit.status(3), "exit code 3"), (.signal(9), "signal 9")])
    func anEndIsACodeOrASignal(_ exit: ServerProcess.Exit, _ text: String) {
        #expect(ProcessExit(exit).description == text)
    }

    @Test func aRecordComesBackAsItWasWritten() throws {
        var table = self.table()
        table.ended("a", .signal(9), problem: "bad", at: self.now)
        table.stop("b")
        let identity = try #require(ProcessIdentity.of(getpid()))
        let folder = try Scratch.folder()
        let record = FarmRecord(
            state: folder,
            supervisor: identity,
            since: self.now,
            ports: [PortName.http: 1234],
            versions: ["postgres": "15"],
            table: table
        )
        let layout = try FarmLayout(state: folder)
        try record.write(layout)
        #expect(try FarmRecord.read(layout) == record)
        #expect(record.url == "http://127.0.0.1:1234")
    }

    @Test(arguments: [
        ("7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 19 20", UInt64(4711)),
        ("7 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 1 18 4711 19 20", nil),
        ("7 (x) Z 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 3 18 4711 19 20", UInt64(4711)),
        ("7 (x) S 1 2", nil),
        ("", nil),
    ])
    func theStartOfAProcessIsReadFromItsLine(_ line: String, _ ticks: UInt64?) {
        #expect(ProcessIdentity.startTicks(statLine: line) == ticks)
    }

    @Test func aNumberThatWasGivenAgainIsAnotherProcess() throws {
        let mine = try #require(ProcessIdentity.of(getpid()))
        #expect(mine.isAlive)
        #expect(!ProcessIdentity(pid: mine.pid, startTicks: mine.startTicks + 1, boot: mine.boot).isAlive)
        #expect(!ProcessIdentity(pid: mine.pid, startTicks: mine.startTicks, boot: "before").isAlive)
    }
}
