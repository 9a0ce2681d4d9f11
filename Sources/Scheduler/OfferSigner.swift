import Crypto
import Foundation
import Messages

/// Signs offers: an agent runs nothing unsigned, so that who holds the broker still cannot make agents run code.
struct OfferSigner: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// - Parameter path: a file with the Ed25519 private key: 32 bytes, base64.
    /// - Throws: ``SigningKeyError`` naming the file.
    init(path: String) throws {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        } catch {
            throw SigningKeyError(description: "the signing key \(path) cannot be read: \(error.localizedDescription)")
        }
        guard let bytes = Data(base64Encoded: text) else {
            throw SigningKeyError(description: "the signing key \(path) is not base64")
        }
        do {
            self.key = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        } catch {
            throw SigningKeyError(description: "the signing key \(path) is not an Ed25519 private key of 32 bytes")
        }
    }

    func sign(_ offer: Offer) throws -> OfferItem {
        let payload = try WireFormat.text(offer)
        let signature = try self.key.signature(for: Data(payload.utf8))
        return OfferItem(payload: payload, signature: signature.base64EncodedString())
    }
}

/// A signing key that cannot be used.
struct SigningKeyError: Error, CustomStringConvertible {
    let description: String
}
