import Access
import Catalog
import HTTPTypes
import Hummingbird

/// Finds out who calls: a bearer token, or the cookie of a browser.
struct Identification: Sendable {
    static let cookie = "millrace_token"
    private static let ours = HTTPField.Name("X-Millrace")
    private static let fetchSite = HTTPField.Name("Sec-Fetch-Site")

    let tokens: TokenMaker

    /// - Throws: ``Refusal`` 401 without a good token, 403 for a change that another web page may have caused.
    func caller(of request: Request) async throws -> AccessToken {
        if let header = request.headers[.authorization] {
            let parts = header.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, parts[0].lowercased() == "bearer" else {
                throw Refusal(.unauthorized, "the Authorization header is not: Bearer TOKEN")
            }
            return try await self.check(String(parts[1]))
        }
        guard let cookie = request.cookies[Self.cookie]?.value else {
            throw Refusal(.unauthorized, "no token: send Authorization: Bearer TOKEN, see `millrace env`")
        }
        let token = try await self.check(cookie)
        // A browser sends the cookie by itself: a change must show that our own page asked for it.
        if request.method != .get, !Self.isOwn(request) {
            throw Refusal(.forbidden, "a change with the cookie alone needs the header X-Millrace")
        }
        return token
    }

    /// - Throws: ``Refusal`` 401.
    func check(_ token: String) async throws -> AccessToken {
        do {
            return try await self.tokens.check(token)
        } catch let error as AccessError {
            throw Refusal(.unauthorized, error.description)
        }
    }

    private static func isOwn(_ request: Request) -> Bool {
        let isMarked = Self.ours.map { request.headers[$0] != nil } ?? false
        let isSameOrigin = Self.fetchSite.map { request.headers[$0] == "same-origin" } ?? false
        return isMarked || isSameOrigin
    }
}
