package import Domain
package import Postgres

/// Domain's moment, as the catalogue's `timestamptz`.
package typealias Moment = Domain.Timestamp

extension Domain.Timestamp: PostgresEncodable, PostgresDecodable {
    package static var postgresType: PostgresType { Postgres.Timestamp.postgresType }

    package func encode() -> PostgresValue { Postgres.Timestamp(microseconds: self.microseconds).encode() }

    package init(postgres cell: PostgresCell) throws {
        self.init(microseconds: try Postgres.Timestamp(postgres: cell).microseconds)
    }
}

extension Moment {
    /// This host's clock. For times that are shown; what is decided by time is decided by the database's clock.
    package static var now: Moment { Moment(microseconds: Postgres.Timestamp.now.microseconds) }
}

/// What a caller asked for and the catalogue refuses, in one line.
package struct CatalogRefusal: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable {
        /// No such thing.
        case missing
        /// Not in this state, or changed by somebody else meanwhile.
        case state
        /// Not allowed to this user.
        case permission
        /// The input is wrong.
        case invalid
    }

    /// What is wrong with one item of a list.
    package struct ItemProblem: Sendable, Hashable, Codable {
        /// Its place in the list, from 0.
        package let item: Int
        package let field: String
        package let text: String

        package init(item: Int, field: String, text: String) {
            self.item = item
            self.field = field
            self.text = text
        }
    }

    package let kind: Kind
    package let description: String
    /// Of a list: what is wrong with which of its items, the first of them; empty: it is no list, or the whole is wrong.
    package let problems: [ItemProblem]

    package init(_ kind: Kind, _ description: String, problems: [ItemProblem] = []) {
        self.kind = kind
        self.description = description
        self.problems = problems
    }
}

extension UUIDText {
    /// A random UUID (RFC 9562, version 4).
    package static func random() -> UUIDText {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes[6] = bytes[6] & 0x0f | 0x40
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for (position, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(position) { text.append(UInt8(ascii: "-")) }
            text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        }
        guard let uuid = UUIDText(String(decoding: text, as: UTF8.self)) else {
            preconditionFailure("36 characters of the right form were just written")
        }
        return uuid
    }
}
