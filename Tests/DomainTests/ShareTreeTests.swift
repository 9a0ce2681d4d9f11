import Domain
import Testing

@Suite struct ShareTreeTests {
    /// production 3 (of it sim 2, reco 1) beside analysis 1 (of it alice 1, bob 1).
    private static let shares: [ShareTree.Share] = [
        .init(name: "sim", parent: "production", weight: 2), .init(name: "reco", parent: "production", weight: 1),
        .init(name: "production", parent: nil, weight: 3), .init(name: "analysis", parent: nil, weight: 1),
        .init(name: "alice", parent: "analysis", weight: 1), .init(name: "bob", parent: "analysis", weight: 1),
    ]

    /// Serves one core after the other. - Returns: what each got.
    private func serve(
        _ cores: Int,
        _ wanting: Set<String>,
        _ shares: [ShareTree.Share] = shares,
        used: [String: Int] = [:]
    ) -> [String: Int] {
        var tree = ShareTree(shares, used: used)
        var got: [String: Int] = [:]
        for _ in 0..<cores {
            guard let share = tree.next(of: wanting) else { break }
            tree.use(share, cores: 1)
            got[share, default: 0] += 1
        }
        return got
    }

    @Test func eachGetsItsPartWhenAllHaveWork() {
        let got = self.serve(1200, ["sim", "reco", "alice", "bob"])
        #expect(got == ["sim": 600, "reco": 300, "alice": 150, "bob": 150])
    }

    @Test func siblingsTakeWhatAShareDoesNotUse() {
        // Of production only reco has work: it has all of production's part, and analysis no more than its own.
        #expect(self.serve(400, ["reco", "alice", "bob"]) == ["reco": 300, "alice": 50, "bob": 50])
        // bob has none: alice takes it, not production.
        #expect(self.serve(1200, ["sim", "reco", "alice"]) == ["sim": 600, "reco": 300, "alice": 300])
        // Nobody else: all of it.
        #expect(self.serve(70, ["bob"]) == ["bob": 70])
        #expect(self.serve(5, []).isEmpty)
    }

    @Test func whoHasHadLessComesFirst() {
        let got = self.serve(400, ["sim", "reco", "alice", "bob"], used: ["sim": 500, "alice": 100])
        // In the end sim 500, reco 250, alice and bob together 250: reco and bob catch up.
        #expect(got["sim"] == nil && got["alice"] ?? 0 <= 25 && got["reco"] ?? 0 == 250)
        #expect(got.values.reduce(0, +) == 400)
    }

    @Test func workOfNoShareIsOneBesideThem() {
        #expect(self.serve(500, ["sim", "bob", ""]) == ["sim": 300, "bob": 100, "": 100])
        // A name that is not in the tree counts there.
        #expect(self.serve(10, ["gone"]) == ["gone": 10])
        #expect(self.serve(50, ["", "gone", "bob"], [.init(name: "bob", parent: nil, weight: 1)])["bob"] == 25)
        #expect(self.serve(6, ["", "x"], []).values.reduce(0, +) == 6)
    }

    @Test func workOfAShareWithOthersBelowCountsBesideThem() {
        let got = self.serve(300, ["production", "sim"])
        #expect(got.values.reduce(0, +) == 300 && got["sim"] ?? 0 > 0 && got["production"] ?? 0 > 0)
        #expect(self.serve(3, ["production"]) == ["production": 3])
    }

    @Test func targetsAreTheProductOfTheParts() {
        let tree = ShareTree(Self.shares)
        // The others have weight 1 beside production 3 and analysis 1.
        let wanted: [String: Double] = [
            "production": 0.6, "sim": 0.4, "reco": 0.2, "analysis": 0.2, "alice": 0.1, "": 0.2,
        ]
        for (share, part) in wanted { #expect(abs((tree.target(share) ?? 0) - part) < 1e-12, "\(share)") }
        #expect(tree.target("nobody") == nil)
    }

    /// Whatever is asked for, somebody who wants is served, and at each level nobody is ahead by more than one core for its weight.
    @Test func randomTreesAreServedEvenly() {
        var numbers = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            let count = Int.random(in: 1...8, using: &numbers)
            let shares = (0..<count).map { number in
                ShareTree.Share(
                    name: "s\(number)",
                    parent: number == 0 || Bool.random() ? nil : "s\(Int.random(in: 0..<number, using: &numbers))",
                    weight: Double(Int.random(in: 1...5, using: &numbers))
                )
            }
            let parents = Set(shares.compactMap(\.parent))
            let leaves = Set(shares.map(\.name)).subtracting(parents)
            let got = self.serve(600, leaves, shares)
            #expect(got.values.reduce(0, +) == 600 && Set(got.keys).isSubset(of: leaves))
            for parent in parents.map(Optional.some) + [nil] {
                let siblings = shares.filter { $0.parent == parent }
                let loads = siblings.map { Double(self.below($0.name, shares, got)) / $0.weight }
                #expect((loads.max() ?? 0) - (loads.min() ?? 0) <= 1.0001, "\(shares) \(got)")
            }
        }
    }

    private func below(_ name: String, _ shares: [ShareTree.Share], _ got: [String: Int]) -> Int {
        (got[name] ?? 0) + shares.filter { $0.parent == name }.reduce(0) { $0 + self.below($1.name, shares, got) }
    }
}
