import Domain
import Messages
import NIOConcurrencyHelpers
import SimulatedSite

/// Five scripted sites: one good, one with a broken node, one that loses every tenth job, one whose storage refuses writes for a
/// minute, one with an old software version. What they do depends only on the job, its node, and what the test has switched.
final class FarmOfFive: Sendable {
    static let sites = ["LOSSY", "GOOD", "NODES", "STORAGE", "OLD"]
    static let badNode = "node3"
    /// How long a payload takes that goes well; one on the bad node fails in a second.
    static let payload = Duration.seconds(5)

    private struct Switches {
        var isNodeBroken = true
        var isCentreBroken = false
        var centreFailures = 0
        var storageSince: ContinuousClock.Instant?
    }

    private let switches = NIOLockedValueBox(Switches())
    /// Called when so many jobs have failed by the fault of the centre.
    private let centreFaultSeen: @Sendable (Int) -> Void

    init(centreFaultSeen: @escaping @Sendable (Int) -> Void) { self.centreFaultSeen = centreFaultSeen }

    func repairNode() { self.switches.withLockedValue { $0.isNodeBroken = false } }
    func breakCentre() { self.switches.withLockedValue { $0.isCentreBroken = true } }
    func repairCentre() { self.switches.withLockedValue { $0.isCentreBroken = false } }

    func agent(_ site: String, in centre: TestCentre) async throws -> SimulatedAgent {
        try await centre.agent(
            site,
            room: 200,
            manner: .init(nodes: (1...5).map { "node\($0)" }),
            onNodes: { job, _, node in self.behaviour(of: site, job, node) }
        )
    }

    private func behaviour(of site: String, _ job: OfferedJob, _ node: String) -> SimulatedAgent.Behaviour {
        if let failure = self.centralFailure() { return .after(.milliseconds(500), .fail([failure])) }
        switch site {
        case "NODES" where node == Self.badNode && self.switches.withLockedValue({ $0.isNodeBroken }):
            // As a payload says it whose node is broken: nothing in the message blames the node.
            return .after(.seconds(1), .fail([Failure(.payloadExit, "exit code 1 in step make")]))
        case "LOSSY" where job.name.index % 10 == 9: return .lose
        case "STORAGE" where self.refusesWrites():
            return .after(Self.payload, .fail([Failure(.stageOut, "write of gen.dat: input/output error")]))
        case "OLD":
            return .after(
                .milliseconds(100),
                .fail([Failure(.softwareRelease, "release 2.1 of make is not installed, the newest is 1.9")])
            )
        default: return .after(Self.payload, .finish)
        }
    }

    /// The storage of everyone is down: the same everywhere.
    private func centralFailure() -> Failure? {
        let seen = self.switches.withLockedValue { switches -> Int? in
            guard switches.isCentreBroken else { return nil }
            switches.centreFailures += 1
            return switches.centreFailures
        }
        guard let seen else { return nil }
        self.centreFaultSeen(seen)
        return Failure(.stageOutUnreachable, "connect to HOME-DISK: connection refused")
    }

    private func refusesWrites() -> Bool {
        self.switches.withLockedValue { switches in
            let since = switches.storageSince ?? .now
            switches.storageSince = since
            return since.duration(to: .now) < .seconds(60)
        }
    }
}
