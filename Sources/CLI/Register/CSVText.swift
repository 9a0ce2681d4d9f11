/// Comma-separated values (RFC 4180): a cell in quotes may hold commas, quotes written twice and ends of lines.
enum CSVText {
    struct Record: Equatable {
        /// Where it begins, from 1.
        let line: Int
        var cells: [String]
    }

    struct Problem: Equatable {
        let line: Int
        let text: String
    }

    /// The records of a text; empty lines are none.
    static func records(in text: String) -> (records: [Record], problem: Problem?) {
        var reader = Reader()
        for byte in text.utf8 {
            reader.take(byte)
            if reader.problem != nil { break }
        }
        reader.end()
        return (reader.records, reader.problem)
    }

    private struct Reader {
        private enum State {
            case cell
            case quoted
            /// A quote inside quotes: the end of the cell, or the first of two.
            case quote
        }

        private(set) var records: [Record] = []
        private(set) var problem: Problem?
        private var state = State.cell
        private var line = 1
        private var record = Record(line: 1, cells: [])
        private var cell: [UInt8] = []
        private var wasQuoted = false

        mutating func take(_ byte: UInt8) {
            switch (self.state, byte) {
            case (.quoted, UInt8(ascii: "\"")): self.state = .quote
            case (.quoted, _): self.cell.append(byte)
            case (.quote, UInt8(ascii: "\"")):
                self.cell.append(byte)
                self.state = .quoted
            case (_, UInt8(ascii: ",")): self.endCell()
            case (_, UInt8(ascii: "\n")): self.endRecord()
            case (_, UInt8(ascii: "\r")): break
            case (.quote, _): self.problem = Problem(line: self.line, text: "has something behind a closing quote")
            case (.cell, UInt8(ascii: "\"")) where self.cell.isEmpty && !self.wasQuoted:
                self.state = .quoted
                self.wasQuoted = true
            case (.cell, _): self.cell.append(byte)
            }
            if byte == UInt8(ascii: "\n") {
                self.line += 1
                if self.state == .cell && self.record.cells.isEmpty { self.record = Record(line: self.line, cells: []) }
            }
        }

        mutating func end() {
            if self.state == .quoted {
                self.problem = self.problem ?? Problem(line: self.record.line, text: "has a quote that is not closed")
            } else if self.problem == nil {
                self.endRecord()
            }
        }

        private mutating func endCell() {
            self.record.cells.append(String(decoding: self.cell, as: UTF8.self))
            (self.cell, self.wasQuoted, self.state) = ([], false, .cell)
        }

        private mutating func endRecord() {
            let isEmpty = self.record.cells.isEmpty && self.cell.isEmpty && !self.wasQuoted
            self.endCell()
            if !isEmpty { self.records.append(self.record) }
            self.record = Record(line: self.line, cells: [])
        }
    }
}
