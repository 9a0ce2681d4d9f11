package import FoundationEssentials
import Glibc

/// An item of a message. One message carries 1 to 500 items of one type under one routing key: batching is what makes the
/// broker cheap.
package protocol MessageItem: Codable, Sendable, Equatable {
    /// The AMQP `type` property, such as `attempt.failed.v1`. An additive change keeps it, any other makes a new one.
    static var type: String { get }
}

/// The body of every message: `{"items": [...]}`.
package struct Batch<Item: MessageItem>: Codable, Sendable, Equatable {
    /// The most items one message carries.
    package static var limit: Int { 500 }

    package let items: [Item]

    package init(_ items: [Item]) { self.items = items }

    package func encoded() throws -> [UInt8] { Array(try WireFormat.encoder.encode(self)) }

    /// The body of a message whose items are JSON already: 1 to ``limit`` of them.
    package static func body(ofEncoded items: [String]) -> [UInt8] {
        Array("{\"items\":[\(items.joined(separator: ","))]}".utf8)
    }

    /// - Throws: ``MessageError`` for a body that is not such a batch, is empty or too large, or has a text with a zero byte: the catalogue
    ///   could not hold it, nor anything that is written with it.
    package init(decoding body: [UInt8]) throws(MessageError) {
        guard !WireFormat.hasZero(body) else {
            throw MessageError(type: Item.type, reason: "a text with a zero byte, which the catalogue cannot hold")
        }
        let batch: Self
        do {
            batch = try WireFormat.decoder.decode(Self.self, from: Data(body))
        } catch {
            throw MessageError(type: Item.type, reason: WireFormat.explain(error))
        }
        guard !batch.items.isEmpty, batch.items.count <= Self.limit else {
            throw MessageError(
                type: Item.type,
                reason: "holds \(batch.items.count) items, 1 to \(Self.limit) are allowed"
            )
        }
        self = batch
    }

    /// Cuts any number of items into messages of the allowed size.
    package static func cut(_ items: [Item]) -> [Batch<Item>] {
        stride(from: 0, to: items.count, by: Self.limit).map {
            Batch(Array(items[$0..<min($0 + Self.limit, items.count)]))
        }
    }
}

/// A message body that cannot be used: it goes to the dead letters with this reason.
package struct MessageError: Error, Sendable, CustomStringConvertible {
    package let type: String
    package let reason: String

    package init(type: String, reason: String) {
        self.type = type
        self.reason = reason
    }

    package var description: String { "message \(self.type): \(self.reason)" }
}

/// One way of writing and reading JSON for messages and documents.
package enum WireFormat {
    /// Keys sorted, so that the same value is always the same bytes. One for all, from any thread: never set anything of it.
    package static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }()

    /// One for all, as the encoder.
    package static let decoder = JSONDecoder()

    package static func text(_ value: some Encodable) throws -> String {
        String(decoding: try self.encoder.encode(value), as: UTF8.self)
    }

    package static func value<T: Decodable>(_ type: T.Type, from text: String) throws -> T {
        try self.decoder.decode(type, from: Data(text.utf8))
    }

    /// Whether a text in this JSON holds a zero byte. In UTF-8, JSON can only say it as `\u0000`; other encodings are full of them.
    static func hasZero(_ json: [UInt8]) -> Bool {
        let word = Array("u0000".utf8)
        return json.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, memchr(base, 0, bytes.count) == nil else { return !bytes.isEmpty }
            var place = 0
            while let found = memchr(base + place, CInt(UInt8(ascii: "\\")), bytes.count - place) {
                place = base.distance(to: UnsafeRawPointer(found)) + 1
                if bytes[place...].starts(with: word) { return true }
                // What is escaped may be a backslash itself.
                place = min(place + 1, bytes.count)
            }
            return false
        }
    }

    /// Where and why decoding failed, in one line.
    package static func explain(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(path(context)): key \(key.stringValue) is missing"
        case .typeMismatch(let type, let context): return "\(path(context)): is not a \(type)"
        case .valueNotFound(let type, let context): return "\(path(context)): null where a \(type) is needed"
        case .dataCorrupted(let context): return "\(path(context)): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }
}
