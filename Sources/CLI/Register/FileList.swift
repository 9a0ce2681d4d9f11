import Domain
import Messages

/// A list of files that are stored already, as an operator wrote it: JSON or CSV.
struct FileList: Equatable {
    /// One of them, and where it stands.
    struct Item: Equatable {
        var entry: FileEntry
        /// Line of the list, from 1.
        var line: Int
    }

    /// As messages call the list.
    let name: String
    var items: [Item]

    /// How many problems are told.
    private static let mostProblems = 100

    /// Reads a list; `-` is standard input.
    ///
    /// - Throws: ``CommandFailure`` of kind usage with every problem, one a line: `FILE:LINE: field: what is wrong`.
    static func read(_ path: String, measured: Bool) throws -> FileList {
        let name = path == "-" ? "standard input" : path
        let text: String
        do {
            text = try TextFile.read(path == "-" ? "/dev/stdin" : path)
        } catch {
            throw CommandFailure(.usage, lines: ["\(name): cannot be read: \(error.reason)"], isAboutFile: true)
        }
        return try Self.parse(text, name: name, measured: measured)
    }

    /// The same, without a file system. A list that begins with a bracket or a brace is JSON: an array of objects, or an object on each
    /// line; another one is CSV with the names of its columns first.
    static func parse(_ text: String, name: String, measured: Bool) throws -> FileList {
        let first = text.utf8.first { !Self.isSpace($0) }
        let isJSON = first == UInt8(ascii: "[") || first == UInt8(ascii: "{")
        var problems = ListProblems(name: name)
        let rows = isJSON ? try Self.json(text, name, &problems) : Self.csv(text, &problems)
        var items: [Item] = []
        var seen: [String: Int] = [:]
        for (line, fields) in rows {
            guard let entry = Self.entry(fields, line, &problems) else { continue }
            for problem in entry.problems(measured: measured) { problems.add(line, problem.field, problem.text) }
            if let other = seen.updateValue(line, forKey: entry.lfn) {
                problems.add(line, "lfn", "\(entry.lfn) is in line \(other) already")
            }
            items.append(Item(entry: entry, line: line))
        }
        if items.isEmpty && problems.isEmpty { problems.add(nil, nil, "names no files") }
        try problems.refuse(most: Self.mostProblems)
        return FileList(name: name, items: items)
    }

    // MARK: Rows

    /// A line, and the fields in it.
    typealias Row = (line: Int, fields: [String: JSON])

    static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || (9...13).contains(byte) }

    private static let fields: Set<String> = ["lfn", "bytes", "adler32", "crc32c", "events", "metadata"]

    private static func json(_ text: String, _ name: String, _ problems: inout ListProblems) throws -> [Row] {
        let places = JSONPlaces.objects(in: text)
        let values: [JSON]
        if text.utf8.first(where: { !Self.isSpace($0) }) == UInt8(ascii: "[") {
            do {
                values = try WireFormat.value([JSON].self, from: text)
            } catch {
                let reason = "\(name): is not a JSON array of objects: \(WireFormat.explain(error))"
                throw CommandFailure(.usage, lines: [reason], isAboutFile: true)
            }
        } else {
            values = places.map { place in
                do {
                    return try WireFormat.value(JSON.self, from: place.text)
                } catch {
                    problems.add(place.line, nil, "is not JSON: \(WireFormat.explain(error))")
                    return .nothing
                }
            }
        }
        guard values.count == places.count else {
            problems.add(nil, nil, "holds something else than objects, each in braces")
            return []
        }
        return zip(places, values).compactMap { place, value in
            guard case .group(let fields) = value else { return nil }
            return (place.line, fields)
        }
    }

    /// Columns `metadata.FIELD` say something of the file; an empty cell says nothing.
    private static func csv(_ text: String, _ problems: inout ListProblems) -> [Row] {
        let (records, problem) = CSVText.records(in: text)
        if let problem { problems.add(problem.line, nil, problem.text) }
        guard let header = records.first else { return [] }
        for column in header.cells where !Self.fields.subtracting(["metadata"]).contains(column) {
            if column.hasPrefix("metadata.") && column.utf8.count > 9 { continue }
            problems.add(
                header.line,
                nil,
                "column \(column.prefix(40)) is not known; known: lfn, bytes, adler32, crc32c, events, metadata.FIELD"
            )
        }
        if Set(header.cells).count < header.cells.count { problems.add(header.line, nil, "names a column twice") }
        guard problems.isEmpty else { return [] }
        return records.dropFirst().compactMap { record in
            guard record.cells.count == header.cells.count else {
                problems.add(record.line, nil, "has \(record.cells.count) cells, not \(header.cells.count)")
                return nil
            }
            var (fields, said): ([String: JSON], [String: JSON]) = ([:], [:])
            for (column, cell) in zip(header.cells, record.cells) where !cell.isEmpty {
                if column.hasPrefix("metadata.") {
                    said[String(column.dropFirst(9))] = .text(cell)
                } else {
                    fields[column] = .text(cell)
                }
            }
            if !said.isEmpty { fields["metadata"] = .group(said) }
            return (record.line, fields)
        }
    }

    // MARK: Fields

    private static func entry(_ fields: [String: JSON], _ line: Int, _ problems: inout ListProblems) -> FileEntry? {
        let before = problems.count
        for key in fields.keys.sorted() where !Self.fields.contains(key) {
            problems.add(
                line,
                String(key.prefix(40)),
                "is not known; known: \(Self.fields.sorted().joined(separator: ", "))"
            )
        }
        func text(_ key: String) -> String? {
            switch fields[key] {
            case nil, .nothing?: return nil
            case .text(let text)?: return text
            default:
                problems.add(line, key, "must be text")
                return nil
            }
        }
        func number(_ key: String) -> Int64 {
            switch fields[key] {
            case .integer(let number)?: return number
            case .text(let text)?:
                if let number = Int64(text) { return number }
                problems.add(line, key, "\(text.prefix(40)) is not a whole number")
            case nil, .nothing?: problems.add(line, key, "is missing")
            default: problems.add(line, key, "must be a whole number")
            }
            return 0
        }
        var said: [String: String] = [:]
        switch fields["metadata"] {
        case nil, .nothing?: break
        case .group(let values)?:
            for (field, value) in values.sorted(by: { $0.key < $1.key }) {
                switch value {
                case .text(let text): said[field] = text
                case .integer(let number): said[field] = String(number)
                case .number(let number): said[field] = String(number)
                case .truth(let truth): said[field] = truth ? "true" : "false"
                default: problems.add(line, "metadata.\(field.prefix(40))", "must be text, a number, true or false")
                }
            }
        default: problems.add(line, "metadata", "must be an object")
        }
        if fields["lfn"] == nil { problems.add(line, "lfn", "is missing") }
        let entry = FileEntry(
            lfn: text("lfn") ?? "",
            bytes: number("bytes"),
            adler32: text("adler32"),
            crc32c: text("crc32c"),
            events: number("events"),
            metadata: said
        )
        return problems.count == before ? entry : nil
    }
}
