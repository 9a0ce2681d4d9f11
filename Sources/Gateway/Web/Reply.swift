import Catalog
import HTTPTypes
import Hummingbird
import Messages
import NIOCore

/// What a route answers.
enum Reply {
    /// The text of a JSON value.
    case json(String)
    case response(Response)

    /// A page of a listing.
    static func list(_ rows: [String], next: String?) throws -> Reply {
        let next = try next.map { try WireFormat.text($0) } ?? "null"
        return .json("{\"items\":[\(rows.joined(separator: ","))],\"next\":\(next)}")
    }

    /// A page of a listing with one more member, whose value is the text of a JSON value.
    static func list(_ rows: [String], next: String?, more: (key: StaticString, value: String)) throws -> Reply {
        guard case .json(let text) = try Self.list(rows, next: next) else { return try Self.list(rows, next: next) }
        return .json(ObjectText.adding(more.key, more.value, to: text))
    }

    static func value(_ value: some Encodable) throws -> Reply { .json(try WireFormat.text(value)) }

    var response: Response {
        switch self {
        case .json(let text): Self.json(text, status: .ok)
        case .response(let response): response
        }
    }

    static func json(_ text: String, status: HTTPResponse.Status) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}

/// The body of an error.
struct ErrorBody: Codable, Equatable {
    var error: String
    var status: Int
    /// Of a list that was sent: what is wrong with which of its items, the first hundred.
    var problems: [CatalogRefusal.ItemProblem]?
}

extension Reply {
    /// What a change did.
    static func outcome(_ outcome: Outcome, isDryRun: Bool) throws -> Reply {
        let lines = try WireFormat.text(outcome.lines)
        return .json(
            "{\"dryRun\":\(isDryRun),\"changed\":\(outcome.changed),\"lines\":\(lines),\"result\":\(outcome.result)}"
        )
    }
}
