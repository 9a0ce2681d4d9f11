/// What is wrong with a list of files, line by line.
struct ListProblems {
    let name: String
    private var lines: [String] = []

    init(name: String) { self.name = name }

    var isEmpty: Bool { self.lines.isEmpty }
    var count: Int { self.lines.count }

    /// - Parameters:
    ///   - line: nil: of the list as a whole.
    ///   - field: nil: of the line as a whole.
    mutating func add(_ line: Int?, _ field: String?, _ text: String) {
        let place = line.map { "\(self.name):\($0)" } ?? self.name
        self.lines.append("\(place): \(field.map { "\($0): " } ?? "")\(text)")
    }

    /// - Throws: ``CommandFailure`` with them all, if there are any; of very many the first.
    func refuse(most: Int) throws(CommandFailure) {
        guard !self.lines.isEmpty else { return }
        let rest = self.lines.count - most
        let more = rest > 0 ? ["\(self.name): and \(rest) more like these"] : []
        throw CommandFailure(.usage, lines: self.lines.prefix(most) + more, isAboutFile: true)
    }
}
