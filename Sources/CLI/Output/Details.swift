import Messages

/// One object as lines: its simple fields first, then a table for each list of objects.
enum Details {
    /// - Parameters:
    ///   - first: the fields to begin with, in this order; the others follow by name.
    ///   - tables: the columns of fields that hold lists of objects; others show every field.
    static func lines(
        _ object: JSON,
        first: [String] = [],
        styles: [String: CellStyle] = [:],
        tables: [String: [Column]] = [:],
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard case .group(let fields) = object else { return [CellStyle.plain.text(object)] }
        let names = first.filter { fields[$0] != nil } + fields.keys.filter { !first.contains($0) }.sorted()
        let simple = names.filter { !Self.isTable(fields[$0] ?? .nothing) }
        let width = simple.reduce(0) { max($0, $1.count) }
        var lines = simple.flatMap { name -> [String] in
            let style = styles[name] ?? (name == "state" ? .state : .plain)
            let text = style.text(fields[name] ?? .nothing)
            let tone: Tone = style == .state ? Tone(state: text) : .plain
            let blanks = String(repeating: " ", count: width - name.count)
            let parts = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
            guard parts.count > 1 else {
                return [Tone.faint.paint(name, colours: colours) + blanks + "  " + tone.paint(text, colours: colours)]
            }
            return [Tone.faint.paint(name, colours: colours)] + parts.map { "    \($0)" }
        }
        for name in names where Self.isTable(fields[name] ?? .nothing) {
            let rows = (fields[name] ?? .nothing).items
            lines += ["", Tone.faint.paint(name, colours: colours)]
            lines += Table(tables[name] ?? Self.columns(of: rows), rows: rows).lines(colours: colours).map { "  \($0)" }
        }
        return lines
    }

    private static func isTable(_ value: JSON) -> Bool {
        guard case .group? = value.items.first else { return false }
        return true
    }

    private static func columns(of rows: [JSON]) -> [Column] {
        var names: Set<String> = []
        for case .group(let fields) in rows { names.formUnion(fields.keys) }
        return names.sorted().map { Column($0) }
    }
}
