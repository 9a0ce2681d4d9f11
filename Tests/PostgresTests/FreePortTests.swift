import PrivateServers
import Testing

@Suite struct FreePortTests {
    /// None that an outgoing connection may get.
    @Test func portsDifferAndAreBelowThoseOfOutgoingConnections() throws {
        let ports = try FreePort.pick(200)
        #expect(Set(ports).count == 200)
        #expect(ports.allSatisfy { (1024..<32_768).contains($0) })
    }
}
