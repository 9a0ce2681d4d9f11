import Messages

/// A column of a table: a field of the rows and how it is shown.
struct Column {
    let field: String
    let title: String
    let style: CellStyle

    init(_ field: String, _ style: CellStyle = .plain, title: String? = nil) {
        self.field = field
        self.title = title ?? field
        self.style = style
    }
}

/// Rows as aligned text: never wrapped, numbers on the right.
struct Table {
    private struct Cell {
        let text: String
        let tone: Tone
        let isNumber: Bool
    }

    private let titles: [String]
    private let rows: [[Cell]]

    /// - Parameter missing: what stands for no value.
    init(_ columns: [Column], rows: [JSON], missing: String = "-") {
        self.titles = columns.map(\.title)
        self.rows = rows.map { row in
            columns.map { column in
                let value = row[column.field]
                let text = column.style.text(value, missing: missing)
                return Cell(
                    text: Self.oneLine(text),
                    tone: column.style.tone(value, text: text),
                    isNumber: column.style.isNumber(value)
                )
            }
        }
    }

    /// A table is made of lines: what holds line breaks or controls is shown with blanks for them.
    static func oneLine(_ text: String) -> String {
        String(text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 } ? " " : $0 })
    }

    /// Columns two blanks apart, the titles above them.
    func lines(colours: Bool = Terminal.hasColours) -> [String] {
        let widths = self.widths
        func line(_ cells: [Cell]) -> String {
            var parts: [String] = []
            for (position, cell) in cells.enumerated() {
                let blanks = String(repeating: " ", count: widths[position] - cell.text.count)
                let text = cell.tone.paint(cell.text, colours: colours)
                let isLast = position == cells.count - 1
                parts.append(self.isNumeric(position) ? blanks + text : (isLast ? text : text + blanks))
            }
            return parts.joined(separator: "  ")
        }
        let head = self.titles.map { Cell(text: $0, tone: .faint, isNumber: false) }
        return [line(head)] + self.rows.map(line)
    }

    /// The frame in which the MySQL client shows its results.
    func framedLines() -> [String] {
        let widths = self.widths
        let rule = "+" + widths.map { String(repeating: "-", count: $0 + 2) + "+" }.joined()
        func line(_ cells: [(text: String, isNumber: Bool)]) -> String {
            "|"
                + cells.enumerated().map { position, cell in
                    let blanks = String(repeating: " ", count: widths[position] - cell.text.count)
                    return cell.isNumber ? " \(blanks)\(cell.text) |" : " \(cell.text)\(blanks) |"
                }.joined()
        }
        let head = line(self.titles.map { ($0, false) })
        return [rule, head, rule] + self.rows.map { line($0.map { ($0.text, $0.isNumber) }) }
            + (self.rows.isEmpty ? [] : [rule])
    }

    private var widths: [Int] {
        self.titles.enumerated().map { position, title in
            self.rows.reduce(title.count) { max($0, $1[position].text.count) }
        }
    }

    /// A column of numbers, some of which may be missing.
    private func isNumeric(_ position: Int) -> Bool {
        self.rows.contains { $0[position].isNumber }
            && self.rows.allSatisfy { $0[position].isNumber || $0[position].text == "-" }
    }
}
