package import Domain
import FoundationEssentials
import JWTKit

/// Who a token speaks for.
package struct AccessToken: Sendable, Hashable {
    package let who: String
    package let role: Role
    /// Seconds since 1970.
    package let expires: Int64

    package init(who: String, role: Role, expires: Int64) {
        self.who = who
        self.role = role
        self.expires = expires
    }
}

/// A token or key that cannot be used. Never holds the token or the key.
package struct AccessError: Error, Sendable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// The claims of a token (RFC 7519): HS256, from millrace for millrace.
struct Claims: JWTPayload {
    static let name = "millrace"

    var sub: SubjectClaim
    var role: String
    var exp: ExpirationClaim
    var iss: IssuerClaim
    var aud: AudienceClaim
    var iat: IssuedAtClaim?

    func verify(using algorithm: some JWTAlgorithm) throws {
        try self.exp.verifyNotExpired()
        guard self.iss.value == Self.name else {
            throw JWTError.claimVerificationFailure(failedClaim: self.iss, reason: "not issued by millrace")
        }
        try self.aud.verifyIntendedAudience(includes: Self.name)
    }
}
