/// Where the objects of a JSON list stand: what a decoder does not tell.
enum JSONPlaces {
    struct Place: Equatable {
        /// From 1.
        let line: Int
        let text: String
    }

    /// The outermost objects of a text, in their order. Of what is no JSON it says no more than a reader who counts braces.
    static func objects(in text: String) -> [Place] {
        var places: [Place] = []
        var (line, depth, start, startLine) = (1, 0, 0, 1)
        var (isText, isEscaped) = (false, false)
        let bytes = Array(text.utf8)
        for (position, byte) in bytes.enumerated() {
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"):
                if depth == 0 { (start, startLine) = (position, line) }
                depth += 1
            case UInt8(ascii: "}") where depth > 0:
                depth -= 1
                if depth == 0 {
                    places.append(
                        Place(line: startLine, text: String(decoding: bytes[start...position], as: UTF8.self))
                    )
                }
            default: break
            }
        }
        // One that does not end is one all the same: whoever decodes it says so.
        if depth > 0 { places.append(Place(line: startLine, text: String(decoding: bytes[start...], as: UTF8.self))) }
        return places
    }
}
