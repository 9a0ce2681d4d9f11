package import Domain
import FoundationEssentials
import JWTKit

/// Makes and checks bearer tokens with one secret key, kept in a file that only its owner can read.
package struct TokenMaker: Sendable {
    /// A key of fewer bytes could be guessed: RFC 7518, section 3.2.
    private static let leastKey = 32
    /// Longer names do not belong into a log.
    private static let longestName = 100

    private let keys: JWTKeyCollection

    /// - Parameter key: the text of the key file; white space around it does not count.
    /// - Throws: ``AccessError`` for a key that is too short.
    package init(key: String) async throws {
        let key = key.trimmed
        guard key.utf8.count >= Self.leastKey else {
            throw AccessError("the token key has \(key.utf8.count) bytes, at least \(Self.leastKey) are needed")
        }
        self.keys = await JWTKeyCollection().add(hmac: HMACKey(from: key), digestAlgorithm: .sha256)
    }

    /// A new key: 64 hexadecimal digits of the system's random numbers, to be written to the key file.
    package static func makeKey() -> String {
        let digits = Array("0123456789abcdef")
        return String((0..<64).map { _ in digits[Int.random(in: 0..<16)] })
    }

    /// A token.
    ///
    /// - Parameters:
    ///   - who: the name that the log keeps: 1 to 100 printable characters.
    ///   - seconds: how long it is good.
    package func token(who: String, role: Role, seconds: Double) async throws -> String {
        guard Self.isName(who) else {
            throw AccessError("a user's name has 1 to \(Self.longestName) printable characters")
        }
        let now = Date()
        let claims = Claims(
            sub: SubjectClaim(value: who),
            role: role.rawValue,
            exp: ExpirationClaim(value: now.addingTimeInterval(seconds)),
            iss: IssuerClaim(value: Claims.name),
            aud: AudienceClaim(value: Claims.name),
            iat: IssuedAtClaim(value: now)
        )
        return try await self.keys.sign(claims)
    }

    /// What a token says, if it is ours and still good.
    ///
    /// - Throws: ``AccessError``.
    package func check(_ token: String) async throws -> AccessToken {
        let claims: Claims
        do {
            claims = try await self.keys.verify(token, as: Claims.self)
        } catch {
            // What exactly is wrong helps nobody but who tries to forge one; that it expired helps everybody.
            let isOld = (error as? JWTError)?.failedClaim is ExpirationClaim
            throw AccessError(isOld ? "the token has expired; get a new one" : "the token is not one of ours")
        }
        guard let role = Role(rawValue: claims.role), Self.isName(claims.sub.value) else {
            throw AccessError("the token names no user or no role that is known")
        }
        return AccessToken(who: claims.sub.value, role: role, expires: Int64(claims.exp.value.timeIntervalSince1970))
    }

    private static func isName(_ text: String) -> Bool {
        (1...Self.longestName).contains(text.count)
            && text.unicodeScalars.allSatisfy {
                $0.value >= 0x20 && $0.value != 0x7f && !(0x80...0x9f).contains($0.value)
            }
    }
}

extension String {
    fileprivate var trimmed: String {
        var rest = Substring(self)
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        return String(rest)
    }
}
