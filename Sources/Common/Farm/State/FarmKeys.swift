import Access
import Crypto
import Domain
import Foundation
import Glibc
import PrivateServers

/// The secrets of a farm: each made once, readable by its owner alone.
enum FarmKeys {
    /// - Throws: ``FarmError`` if a key that is there is damaged: it is never replaced, as others rely on it.
    static func ensure(_ layout: FarmLayout) async throws {
        let key = Curve25519.Signing.PrivateKey()
        try Self.makeOnce(layout.signingKey, key.rawRepresentation.base64EncodedString())
        try Self.makeOnce(layout.tokenKey, TokenMaker.makeKey())
        try Self.makeOnce(layout.brokerPassword, PrivateFiles.randomPassword())
        _ = try await Self.tokens(layout)
        let publicKey = try Self.signingKey(layout).publicKey.rawRepresentation.base64EncodedString()
        try PrivateFiles.replace(layout.signingPublicKey, with: publicKey + "\n")
    }

    static func signingKey(_ layout: FarmLayout) throws -> Curve25519.Signing.PrivateKey {
        try Curve25519.Signing.PrivateKey(rawRepresentation: Self.bytes(layout.signingKey))
    }

    static func brokerPassword(_ layout: FarmLayout) throws -> String {
        try Self.line(layout.brokerPassword)
    }

    /// A token for the user of this machine, who owns the keys and so may do everything.
    ///
    /// - Parameter life: how long it is good for.
    static func token(_ layout: FarmLayout, user: String, life: Duration) async throws -> String {
        let seconds = Double(life.components.seconds)
        return try await self.tokens(layout).token(who: user, role: .administrator, seconds: seconds)
    }

    private static func tokens(_ layout: FarmLayout) async throws -> TokenMaker {
        do {
            return try await TokenMaker(key: PrivateFiles.readAll(layout.tokenKey))
        } catch let error as AccessError {
            throw FarmError(
                .damagedState,
                "\(layout.tokenKey): \(error): restore it, or remove it to have a new one made"
            )
        }
    }

    private static func bytes(_ path: String) throws -> Data {
        guard let data = Data(base64Encoded: try Self.line(path)), data.count == 32 else {
            throw FarmError(
                .damagedState,
                "\(path) does not hold a key (base64 of 32 bytes): restore it, or remove it to have a new one made"
            )
        }
        return data
    }

    private static func line(_ path: String) throws -> String {
        try PrivateFiles.readAll(path).split(separator: "\n").first.map(String.init) ?? ""
    }

    /// Written aside and linked into place, so that it is whole and never takes the place of another.
    private static func makeOnce(_ path: String, _ text: String) throws {
        if PrivateFiles.exists(path) { return }
        let unfinished = "\(path).unfinished"
        try PrivateFiles.write(text + "\n", to: unfinished)
        defer { unlink(unfinished) }
        guard link(unfinished, path) == 0 || errno == EEXIST else {
            throw ServerError("cannot write \(path): \(PrivateFiles.reason())")
        }
    }
}
