/// PostgreSQL's text form of a one-dimensional array: `{1,NULL,"a \"b\""}`
/// (https://www.postgresql.org/docs/15/arrays.html#ARRAYS-IO).
enum ArrayLiteral {
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")
    private static let comma = UInt8(ascii: ",")
    private static let open = UInt8(ascii: "{")
    private static let close = UInt8(ascii: "}")

    struct Writer {
        private var bytes: [UInt8] = [ArrayLiteral.open]

        init(reserving count: Int) { self.bytes.reserveCapacity(2 + 8 * count) }

        mutating func append(_ element: String?, quoted: Bool) {
            if self.bytes.count > 1 { self.bytes.append(ArrayLiteral.comma) }
            guard let element else {
                self.bytes.append(contentsOf: "NULL".utf8)
                return
            }
            guard quoted else {
                self.bytes.append(contentsOf: element.utf8)
                return
            }
            self.bytes.append(ArrayLiteral.quote)
            for byte in element.utf8 {
                if byte == ArrayLiteral.quote || byte == ArrayLiteral.backslash {
                    self.bytes.append(ArrayLiteral.backslash)
                }
                self.bytes.append(byte)
            }
            self.bytes.append(ArrayLiteral.quote)
        }

        consuming func finish() -> String {
            self.bytes.append(ArrayLiteral.close)
            return String(decoding: self.bytes, as: UTF8.self)
        }
    }

    /// The elements of a literal as the server writes it; nil is NULL.
    ///
    /// - Throws: ``PostgresDecodingProblem`` for what is not one one-dimensional array.
    static func parse(_ text: UnsafeBufferPointer<UInt8>) throws -> [[UInt8]?] {
        var reader = Reader(text: text)
        return try reader.elements()
    }

    private struct Reader {
        let text: UnsafeBufferPointer<UInt8>
        var at = 0

        mutating func elements() throws -> [[UInt8]?] {
            // An array that does not start at index 1 is written with its bounds: `[0:2]={...}`.
            if self.text.first == UInt8(ascii: "["), let equals = self.text.firstIndex(of: UInt8(ascii: "=")) {
                self.at = equals + 1
            }
            guard try self.next() == ArrayLiteral.open else { throw PostgresDecodingProblem("not an array") }
            var elements: [[UInt8]?] = []
            if self.peek() == ArrayLiteral.close { return elements }
            while true {
                elements.append(try self.element())
                switch try self.next() {
                case ArrayLiteral.comma: continue
                case ArrayLiteral.close: return elements
                default: throw PostgresDecodingProblem("a malformed array")
                }
            }
        }

        private func peek() -> UInt8? { self.at < self.text.count ? self.text[self.at] : nil }

        private mutating func next() throws -> UInt8 {
            guard let byte = self.peek() else { throw PostgresDecodingProblem("an array that ends too early") }
            self.at += 1
            return byte
        }

        private mutating func element() throws -> [UInt8]? {
            switch self.peek() {
            case ArrayLiteral.open: throw PostgresDecodingProblem("an array of more than one dimension")
            case ArrayLiteral.quote: return try self.quotedElement()
            default: break
            }
            let start = self.at
            while let byte = self.peek(), byte != ArrayLiteral.comma, byte != ArrayLiteral.close { self.at += 1 }
            let bytes = [UInt8](self.text[start..<self.at])
            return bytes.elementsEqual("NULL".utf8) ? nil : bytes
        }

        private mutating func quotedElement() throws -> [UInt8] {
            self.at += 1
            var bytes: [UInt8] = []
            while true {
                switch try self.next() {
                case ArrayLiteral.quote: return bytes
                case ArrayLiteral.backslash: bytes.append(try self.next())
                case let byte: bytes.append(byte)
                }
            }
        }
    }
}
