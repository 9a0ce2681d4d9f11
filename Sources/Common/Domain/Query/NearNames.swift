/// Which of some names somebody may have meant.
enum NearNames {
    /// At most three, the nearest first.
    static func near(_ name: String, among names: [String]) -> [String] {
        let wanted = Array(name.lowercased().utf8.prefix(64))
        let limit = max(1, wanted.count / 3)
        return names.map { (name: $0, distance: Self.distance(wanted, Array($0.utf8))) }.filter { $0.distance <= limit }
            .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }.prefix(3).map(\.name)
    }

    /// How many letters must be put in, taken out or changed (Levenshtein).
    static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
        var row = Array(0...second.count)
        for (i, one) in first.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in second.enumerated() {
                let cost = min(row[j] + 1, row[j + 1] + 1, diagonal + (one == other ? 0 : 1))
                (diagonal, row[j + 1]) = (row[j + 1], cost)
            }
        }
        return row[second.count]
    }
}
