import Glibc
import PrivateServers
import Testing

@testable import Farm

@Suite struct PortBookTests {
    /// A book that tries 100, 101, ... where only `taken` are in use.
    private func book(recorded: [String: Int] = [:], taken: Set<Int> = []) -> PortBook {
        var next = 99
        return PortBook(
            recorded: recorded,
            isFree: { !taken.contains($0) },
            candidates: {
                next += 1
                return next
            }
        )
    }

    @Test func aPortOfTheLastRunIsKeptWhileItIsFree() throws {
        var book = self.book(recorded: ["a": 7000])
        #expect(try book.port("a") == 7000)
    }

    @Test func aPortThatIsTakenByNowIsReplaced() throws {
        var book = self.book(recorded: ["a": 7000], taken: [7000])
        #expect(try book.port("a") == 100)
        #expect(book.ports == ["a": 100])
    }

    @Test func noPortIsGivenTwice() throws {
        var next = 0
        var book = PortBook(
            recorded: [:],
            isFree: { _ in true },
            candidates: {
                next += 1
                return next / 3
            }
        )
        let ports = try (0..<20).map { try book.port("p\($0)") }
        #expect(Set(ports).count == 20)
    }

    @Test func aNewPurposeDoesNotTakeThePortOfAnotherOne() throws {
        var book = self.book(recorded: ["old": 100])
        #expect(try book.port("new") == 101)
        #expect(try book.port("old") == 100)
    }

    @Test func theSamePurposeHasOnePort() throws {
        var book = self.book()
        #expect(try book.port("a") == book.port("a"))
    }

    @Test func aWantedPortIsTakenOverTheOneOfTheLastRun() throws {
        var book = self.book(recorded: ["a": 7000])
        #expect(try book.port("a", wanted: 8080) == 8080)
    }

    @Test(arguments: [8080, 0, -1, 65_536]) func aWantedPortThatCannotBeHadIsAnError(_ port: Int) throws {
        var book = self.book(taken: [8080])
        let error = #expect(throws: FarmError.self) { try book.port("gateway-http", wanted: port) }
        #expect(error?.code == .portTaken)
        #expect(error?.description.contains("port \(port) of 127.0.0.1, asked for as gateway-http, is taken") == true)
    }

    @Test func withoutAnyFreePortThereIsAnError() {
        var book = PortBook(recorded: [:], isFree: { _ in false }, candidates: { 5 })
        let error = #expect(throws: FarmError.self) { try book.port("a") }
        #expect(error?.code == .portTaken)
    }

    @Test func aPortWithAListenerIsNotFree() throws {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        // Others on this machine take ports, too: one that is ours is looked at, and then let go.
        var port = 0
        var isBound = false
        while !isBound {
            port = LoopbackPort.candidate()
            var address = FreePort.loopback(port: port)
            isBound = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        #expect(listen(descriptor, 1) == 0)
        #expect(!LoopbackPort.isFree(port))
        close(descriptor)
        #expect(LoopbackPort.isFree(port))
    }

    @Test func candidatesStayOutOfTheRangeOfOutgoingConnections() {
        #expect((0..<10_000).allSatisfy { _ in (15_000..<32_768).contains(LoopbackPort.candidate()) })
    }
}
