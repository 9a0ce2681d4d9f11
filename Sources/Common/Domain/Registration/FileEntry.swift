/// What somebody says of a file that lies on a storage element already.
package struct FileEntry: Sendable, Hashable {
    /// Something that is wrong with one file of a list, such as to stand behind its line.
    package struct Problem: Sendable, Hashable {
        /// As the file's field is called in a list.
        package let field: String
        package let text: String

        package init(_ field: String, _ text: String) {
            self.field = field
            self.text = text
        }
    }

    package var lfn: String
    package var bytes: Int64
    /// 8 lower-case hex digits.
    package var adler32: String?
    /// 8 lower-case hex digits.
    package var crc32c: String?
    package var events: Int64
    /// Field to value, as written.
    package var metadata: [String: String]

    /// - Parameters:
    ///   - adler32: in capital letters too.
    ///   - crc32c: in capital letters too.
    package init(
        lfn: String,
        bytes: Int64,
        adler32: String? = nil,
        crc32c: String? = nil,
        events: Int64,
        metadata: [String: String] = [:]
    ) {
        self.lfn = lfn
        self.bytes = bytes
        self.adler32 = adler32.map(Self.lowercased)
        self.crc32c = crc32c.map(Self.lowercased)
        self.events = events
        self.metadata = metadata
    }

    /// What can be said against it without a look at the catalogue: the constraints of the table `registration`, in words.
    ///
    /// - Parameter measured: no checksum is known; the stored one is taken for it.
    package func problems(measured: Bool) -> [Problem] {
        var problems: [Problem] = []
        if let reason = Self.mistake(inName: self.lfn) { problems.append(Problem("lfn", reason)) }
        if self.bytes <= 0 { problems.append(Problem("bytes", "is \(self.bytes): a file has one byte or more")) }
        if self.events < 0 { problems.append(Problem("events", "is \(self.events): it cannot be negative")) }
        for (field, value) in [("adler32", self.adler32), ("crc32c", self.crc32c)] {
            guard let value, !Self.isChecksum(value) else { continue }
            problems.append(Problem(field, "\(QueryError.quoted(value)) is not a checksum of 8 hexadecimal digits"))
        }
        if !measured && self.adler32 == nil && self.crc32c == nil {
            problems.append(
                Problem("adler32", "is missing, and so is crc32c: give one of them, or have what is stored measured")
            )
        }
        return problems
    }

    // MARK: Steps

    private static let longestName = 511
    private static let longestComponent = 200

    /// Why a text is no logical name that may be registered; nil: it is one.
    static func mistake(inName text: String) -> String? {
        func says(_ reason: String) -> String { "\(QueryError.quoted(text)) \(reason)" }
        guard text.utf8.count <= Self.longestName else { return says("has more than \(Self.longestName) bytes") }
        guard text.utf8.first == UInt8(ascii: "/") else { return says("does not begin with a slash") }
        let parts = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        for part in parts {
            guard let name = String(part) else { return says("is not UTF-8") }
            if name.isEmpty { return says("has an empty part") }
            if name == "." || name == ".." { return says("has a part \(name)") }
            if name.utf8.count > Self.longestComponent {
                return says("has a part of more than \(Self.longestComponent) bytes")
            }
            if !name.utf8.allSatisfy(Self.isAllowed) {
                return says("has other characters than letters, digits, _ . + -")
            }
        }
        if Self.isJobsName(parts.compactMap { String($0) }) {
            return says("is a name that jobs give their files: what they store comes into the books by itself")
        }
        return nil
    }

    /// `/7/simulate/rec/0/12.5.1.npz`: request, and last task, index, attempt; an output without a suffix has none.
    private static func isJobsName(_ parts: [String]) -> Bool {
        func isNumber(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) } }
        guard parts.count >= 3, isNumber(Substring(parts[0])) else { return false }
        let last = parts[parts.count - 1].split(separator: ".", omittingEmptySubsequences: false)
        return last.count >= 3 && last.prefix(3).allSatisfy(isNumber)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || [43, 45, 46, 95].contains(byte)
    }

    private static func isChecksum(_ text: String) -> Bool {
        text.utf8.count == 8 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }

    private static func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { (65...90).contains($0) ? $0 + 32 : $0 }, as: UTF8.self)
    }
}
