import AsyncHTTPClient
import Catalog
import Messages
import NIOCore
import NIOHTTP1

/// The way to the centre: its HTTP API, with the caller's token.
struct GatewayClient: Sendable {
    let address: GatewayAddress

    /// Pages are asked for in this size.
    private static let page = 1000

    init(_ address: GatewayAddress) { self.address = address }

    /// The farm of the environment, or the one that runs here.
    static func fromEnvironment() async throws -> GatewayClient { GatewayClient(try await GatewayAddress.find()) }

    func get(_ path: String, _ query: [(String, String)] = []) async throws -> JSON {
        try await self.send(.GET, path, query, body: nil)
    }

    /// The rows of a list, page after page.
    ///
    /// - Parameter limit: at most so many; nil: all.
    /// - Returns: the rows, and whether there are more.
    func list(
        _ path: String,
        _ query: [(String, String)] = [],
        limit: Int? = nil
    ) async throws -> (rows: [JSON], more: Bool) {
        let found = try await self.pages(path, query, limit: limit)
        return (found.rows, found.more)
    }

    /// The same, with the first page as it came: some say more than their rows.
    func pages(
        _ path: String,
        _ query: [(String, String)] = [],
        limit: Int? = nil
    ) async throws -> (rows: [JSON], more: Bool, first: JSON) {
        var rows: [JSON] = []
        var after: String?
        var first: JSON?
        repeat {
            let size = min(limit.map { $0 - rows.count } ?? Self.page, Self.page)
            let next = after.map { [("after", $0)] } ?? []
            let page = try await self.get(path, query + [("limit", "\(size)")] + next)
            first = first ?? page
            rows += page["items"].items
            after = page["next"].text
        } while after != nil && rows.count < limit ?? Int.max
        return (rows, after != nil, first ?? .nothing)
    }

    /// Changes something.
    ///
    /// - Parameter dryRun: check everything and say what would be done, but do nothing.
    func change(_ path: String, _ body: [String: JSON] = [:], dryRun: Bool) async throws -> JSON {
        let text = try WireFormat.text(JSON.group(body.filter { $0.value != .nothing }))
        return try await self.send(.POST, path, dryRun ? [("dryRun", "true")] : [], body: text)
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        _ query: [(String, String)],
        body: String?
    ) async throws -> JSON {
        var request = HTTPClientRequest(url: self.address.url + "/api/v1" + path + Self.encode(query))
        request.method = method
        request.headers.add(name: "Authorization", value: "Bearer \(self.address.token)")
        request.headers.add(name: "Accept", value: "application/json")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let status: Int
        let text: String
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
            status = Int(response.status.code)
            text = String(buffer: try await response.body.collect(upTo: 64 << 20))
        } catch let error as CancellationError {
            throw error
        } catch {
            let line = "\(self.address.url) does not answer (\(error)): \(self.address.advice)"
            throw CommandFailure(.failed, lines: [line], isUnanswered: true)
        }
        return try self.answer(status, text, path)
    }

    private func answer(_ status: Int, _ text: String, _ path: String) throws -> JSON {
        let answer: JSON
        do {
            answer = text.isEmpty ? .nothing : try WireFormat.value(JSON.self, from: text)
        } catch {
            let reason = "\(self.address.url)\(path) answered \(status) with something that is not JSON"
            throw CommandFailure(.failed, "\(reason): is it a Millrace Gateway?")
        }
        guard status >= 300 else { return answer }
        let message = answer["error"].text ?? "\(path) answered \(status)"
        throw CommandFailure(
            Self.kind(of: status),
            lines: [status == 401 ? "\(message); \(self.address.tokenAdvice)" : message],
            problems: answer["problems"].items.compactMap(Self.problem)
        )
    }

    private static func problem(_ value: JSON) -> CatalogRefusal.ItemProblem? {
        guard let item = value["item"].integer, let field = value["field"].text, let text = value["text"].text else {
            return nil
        }
        return CatalogRefusal.ItemProblem(item: Int(item), field: field, text: text)
    }

    /// The kind of failure that a status of HTTP stands for.
    static func kind(of status: Int) -> CommandFailure.Kind {
        switch status {
        case 400, 413: .usage
        case 401, 403, 409: .refused
        default: .failed
        }
    }

    /// Everything but letters, digits and `-._~` is written as `%XX` (RFC 3986).
    static func escape(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(Character(UnicodeScalar(byte)))
            default: result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
    }

    private static func encode(_ query: [(String, String)]) -> String {
        query.isEmpty ? "" : "?" + query.map { "\($0)=\(self.escape($1))" }.joined(separator: "&")
    }
}
