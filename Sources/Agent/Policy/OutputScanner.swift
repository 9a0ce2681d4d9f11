/// Reads what a step prints: its progress, its metrics, and its last lines.
struct OutputScanner: Sendable {
    private(set) var fraction: Double?
    private(set) var metrics: [String: Double] = [:]
    private var kept: [UInt8] = []
    private var line: [UInt8] = []
    /// Of the present step.
    private var stepBytes = 0

    /// Bytes of the tail.
    static let tailLimit = 2048
    private static let lineLimit = 4096
    private static let metricsLimit = 64

    mutating func take(_ bytes: some Collection<UInt8>) {
        self.stepBytes = min(Self.tailLimit, self.stepBytes + bytes.count)
        self.kept += bytes.suffix(Self.tailLimit)
        if self.kept.count > Self.tailLimit { self.kept.removeFirst(self.kept.count - Self.tailLimit) }
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                self.read(String(decoding: self.line, as: UTF8.self))
                self.line.removeAll(keepingCapacity: true)
            } else if self.line.count < Self.lineLimit {
                self.line.append(byte)
            }
        }
    }

    /// A new step: progress begins again.
    mutating func beginStep() {
        self.fraction = nil
        self.stepBytes = 0
    }

    /// The last lines, without zero bytes, which the catalogue's text cannot hold.
    var tail: String { self.text(self.kept[...]) }

    /// The same of the present step alone: what an earlier one wrote does not explain its end.
    var stepTail: String { self.text(self.kept.suffix(self.stepBytes)) }

    private func text(_ tail: ArraySlice<UInt8>) -> String {
        var bytes = tail
        // Not from the middle of a character.
        while bytes.count > Self.tailLimit - 4, let first = bytes.first, first & 0xC0 == 0x80 { bytes.removeFirst() }
        return String(decoding: bytes.filter { $0 != 0 }, as: UTF8.self)
    }

    /// The last line of the step that is not empty and not meant for us.
    var lastLine: String? {
        self.stepTail.split(whereSeparator: \.isNewline).last { line in
            !line.allSatisfy(\.isWhitespace) && !line.hasPrefix("millrace")
        }.map { String($0.suffix(300)) }
    }

    private mutating func read(_ line: String) {
        let words = line.split(separator: " ", omittingEmptySubsequences: true)
        if words.count == 2, words[0] == "millrace-progress", let value = Double(words[1]), (0...1).contains(value) {
            self.fraction = value
        } else if words.count == 3, words[0] == "millrace", words[1] == "metric",
            let equal = words[2].firstIndex(of: "="),
            let value = Double(words[2][words[2].index(after: equal)...]), value.isFinite
        {
            let name = String(words[2][..<equal])
            // The catalogue's text cannot hold a zero byte.
            guard !name.isEmpty, !name.utf8.contains(0) else { return }
            guard self.metrics[name] != nil || self.metrics.count < Self.metricsLimit else { return }
            self.metrics[name] = value
        }
    }
}
