import Catalog
import HTTPTypes
import Hummingbird
import Logging
import Messages
import NIOCore
import Postgres

/// What is wrong with a call, as its caller is told.
struct Refusal: Error, Sendable, CustomStringConvertible {
    let status: HTTPResponse.Status
    let description: String
    /// What is wrong with which item of a list that was sent.
    let problems: [CatalogRefusal.ItemProblem]

    init(
        _ status: HTTPResponse.Status,
        _ description: String,
        problems: [CatalogRefusal.ItemProblem] = []
    ) {
        self.status = status
        self.description = description
        self.problems = problems
    }

    /// What an error means to a caller. What they can do nothing about says no more than that it is in the log.
    init(_ error: any Error) {
        switch error {
        case let error as Refusal: self = error
        case let error as CatalogRefusal:
            self.init(Self.status(error.kind), error.description, problems: error.problems)
        case let error as MessageError: self.init(.badRequest, error.reason)
        case let error as HTTPError: self.init(error.status, error.body ?? error.status.reasonPhrase)
        case is NIOTooManyBytesError:
            self.init(.contentTooLarge, "the body is larger than \(GatewayServer.bodyLimit) bytes")
        case let error as PostgresError: self.init(database: error)
        default: self.init(.internalServerError, "an error of the gateway; its log says more")
        }
    }

    private init(database error: PostgresError) {
        switch error.code {
        case .unavailable, .notConnected, .refused, .closed:
            self.init(.serviceUnavailable, "the catalogue cannot be reached; try again")
        case .connectionLost, .commitUnknown:
            self.init(.serviceUnavailable, "the connection to the catalogue broke; look whether the change was made")
        case .encoding:
            self.init(.badRequest, "a value holds a character that cannot be stored")
        case .server where error.sqlState == "57014":
            self.init(.serviceUnavailable, "the question took too long; ask for less, or with a filter")
        case .server where error.sqlState == "53100":
            self.init(
                .serviceUnavailable,
                "the catalogue's disk is full: make room where PostgreSQL keeps its data, then try again"
            )
        case .server where error.sqlState?.hasPrefix("53") == true:
            self.init(.serviceUnavailable, "the catalogue has no room for another session or more memory; try again")
        case .server where error.sqlState?.hasPrefix("22") == true:
            self.init(.badRequest, "a value is out of its range")
        case .server, .configuration, .transactionAborted, .decoding:
            self.init(.internalServerError, "an error of the gateway; its log says more")
        }
    }

    private static func status(_ kind: CatalogRefusal.Kind) -> HTTPResponse.Status {
        switch kind {
        case .missing: .notFound
        case .state: .conflict
        case .permission: .forbidden
        case .invalid: .badRequest
        }
    }

    func response() throws -> Response {
        let line = self.description.split(whereSeparator: \.isNewline).joined(separator: " ")
        let problems = self.problems.isEmpty ? nil : self.problems
        return Reply.json(
            try WireFormat.text(ErrorBody(error: line, status: self.status.code, problems: problems)),
            status: self.status
        )
    }
}
