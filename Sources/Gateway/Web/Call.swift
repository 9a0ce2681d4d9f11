import Access
import Catalog
import Domain
import HTTPTypes
import Hummingbird

/// One request, checked: who calls, and what was asked in the path, the query and the body.
struct Call: Sendable {
    let caller: Caller
    let token: AccessToken
    let request: Request
    let context: GatewayContext
    /// Each at most once, percent-decoded.
    let query: [String: String]
    let body: [UInt8]

    var isDryRun: Bool { self.query["dryRun"] == "true" }

    /// A part of the path, percent-decoded.
    func text(_ name: String) throws(Refusal) -> String {
        guard let raw = self.context.parameters.get(name), let text = PercentText.decode(raw), !text.utf8.contains(0)
        else { throw Refusal(.badRequest, "\(name) in the path cannot be read") }
        return text
    }

    func integer(_ name: String) throws(Refusal) -> Int64 {
        let text = try self.text(name)
        guard let number = Int64(text) else {
            throw Refusal(.badRequest, "\(name) in the path must be a whole number, not \(text.prefix(40))")
        }
        return number
    }

    func job() throws(Refusal) -> JobKey {
        JobKey(task: try self.integer("task"), index: try self.integer("index"))
    }

    func optionalQueryInteger(_ name: String, in range: ClosedRange<Int>) throws(Refusal) -> Int? {
        guard let text = self.query[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw Refusal(
                .badRequest,
                "\(name): \(text.prefix(40)) is not a whole number from \(range.lowerBound) to \(range.upperBound)"
            )
        }
        return number
    }

    func requiredQuery(_ name: String) throws(Refusal) -> String {
        guard let text = self.query[name], !text.isEmpty else { throw Refusal(.badRequest, "?\(name)= is missing") }
        return text
    }

    func body(_ keys: Set<String>) throws(Refusal) -> Body { try Body(self.body, keys: keys) }
}

extension Call {
    /// The parameter with spaces in it. Many libraries write these as +; elsewhere a plus is one, as in `+00:00`, encoded or not.
    private static let sentence = "where"

    /// The query of a request.
    ///
    /// - Throws: ``Refusal`` 400 for a name that the route does not know, one given twice, and text that is not UTF-8.
    static func query(of request: Request, known: Set<String>) throws(Refusal) -> [String: String] {
        var values: [String: String] = [:]
        for part in (request.uri.query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let raw = pair.count == 2 ? pair[1] : ""
            guard let name = PercentText.decode(pair[0]),
                let value = name == Self.sentence ? PercentText.decodeForm(raw) : PercentText.decode(raw),
                !value.utf8.contains(0)
            else { throw Refusal(.badRequest, "the query cannot be read: encode it with %XX") }
            guard known.contains(name) else {
                let names = known.sorted().joined(separator: ", ")
                throw Refusal(
                    .badRequest,
                    "unknown parameter \(name.prefix(60)); known here: \(names.isEmpty ? "none" : names)"
                )
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Refusal(.badRequest, "parameter \(name) is given twice; write several values with commas")
            }
        }
        if let dry = values["dryRun"], dry != "true", dry != "false" {
            throw Refusal(.badRequest, "dryRun is true or false, not \(dry.prefix(40))")
        }
        return values
    }
}

/// Percent-encoding (RFC 3986, section 2.1).
enum PercentText {
    /// As forms are encoded: a space is written as + (WHATWG URL, section 5.1), a plus as %2B.
    static func decodeForm(_ text: Substring) -> String? { Self.decode(text.replacing("+", with: " ")) }

    /// Nil for what is not well formed, or not UTF-8.
    static func decode(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8.makeIterator()
        while let byte = rest.next() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.next().flatMap(Self.digit), let low = rest.next().flatMap(Self.digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}
