/// Who disturbs a run of `skim14`, and when: all of it drawn from the seed, and told in inputs of which the skim is settled, that is
/// accepted or given up. A replay does the same at the same progress, however fast the machine is.
struct SkimSchedule: Sendable, Hashable, CustomStringConvertible {
    /// An operator recovers tasks, whether they need it or not.
    struct Visit: Sendable, Hashable {
        let settled: Int64
        /// By name: the skim, and some of the merges.
        let tasks: [String]
    }

    static let operators = ["olga", "steve"]

    let bookkeeperKills: [Int64]
    let brokerKills: [Int64]
    /// For each operator in order; the last is when all is settled.
    let visits: [[Visit]]

    /// - Parameter inputs: that are settled before the last one is let come.
    init(seed: UInt64, inputs: Int64, merges: [String]) {
        let draw = SeededDraw(seed: seed)
        let range = inputs / 20..<max(inputs / 20 + 1, inputs - inputs / 20)
        func points(_ count: UInt64, _ what: UInt64) -> [Int64] {
            (0..<count).map { draw.integer(in: range, 11, what, $0) }.sorted()
        }
        self.bookkeeperKills = points(2, 0)
        self.brokerKills = points(2, 1)
        // Once they come at the same moment by chance, and at the end anyway.
        let together = points(1, 2)
        self.visits = Self.operators.indices.map { who in
            (points(3, UInt64(10 + who)) + together + [inputs]).sorted().enumerated().map { place, settled in
                let drawn = (0..<2).map { number in
                    merges[Int(draw.integer(in: 0..<Int64(merges.count), 12, UInt64(who), UInt64(place), number))]
                }
                return Visit(settled: settled, tasks: ["skim"] + Set(drawn).sorted())
            }
        }
    }

    var description: String {
        let visits = zip(Self.operators, self.visits).map { who, visits in
            "\(who) recovers at "
                + visits.map { "\($0.settled) (\($0.tasks.joined(separator: ", ")))" }.joined(separator: ", ")
        }
        return "Bookkeeper killed at \(self.bookkeeperKills), broker at \(self.brokerKills) settled inputs; "
            + visits.joined(separator: "; ")
    }
}
