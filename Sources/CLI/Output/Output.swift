import Messages

/// What commands print.
enum Output {
    static func line(_ text: String) { Terminal.write(text + "\n") }

    static func lines(_ lines: [String]) { if !lines.isEmpty { Terminal.write(lines.joined(separator: "\n") + "\n") } }

    /// A table of its own below what was printed; nothing if there are no rows.
    ///
    /// - Parameter rest: the command that lists them all, if these are not all.
    static func section(
        _ title: String,
        _ columns: [Column],
        rows: [JSON],
        rest: String? = nil,
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard !rows.isEmpty else { return [] }
        let table = Table(columns, rows: rows).lines(colours: colours) + (rest.map { ["and more: \($0)"] } ?? [])
        return ["", Tone.faint.paint(title, colours: colours)] + table.map { "  \($0)" }
    }

    /// One value as JSON: objects with sorted keys, an array with one object a line.
    static func json(_ value: JSON) throws {
        guard case .list(let items) = value else { return self.line(try WireFormat.text(value)) }
        if items.isEmpty { return self.line("[]") }
        let texts = try items.map { try WireFormat.text($0) }
        self.lines(["["] + texts.enumerated().map { " \($1)\($0 == texts.count - 1 ? "" : ",")" } + ["]"])
    }
}
