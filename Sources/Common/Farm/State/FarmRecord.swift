package import Foundation
import PrivateServers

/// `farm.json`: what the supervisor knows, for the commands that look at a farm and for the supervisor that takes over.
package struct FarmRecord: Codable, Equatable, Sendable {
    /// The absolute state folder.
    package var state: String
    package var supervisor: ProcessIdentity
    /// When this supervisor started.
    package var since: Date
    /// By name: those of the servers, and of each process its admin port; `gateway-http` is the public one.
    package var ports: [String: Int]
    /// `postgres`, `rabbitmq`.
    package var versions: [String: String]
    package var table: ProcessTable

    /// The HTTP API and the web pages.
    package var url: String { "http://127.0.0.1:\(self.ports[PortName.http] ?? 0)" }

    /// - Throws: ``FarmError`` if there is one that cannot be read.
    /// - Returns: nil if there is none.
    package static func read(_ layout: FarmLayout) throws -> FarmRecord? {
        guard PrivateFiles.exists(layout.record) else { return nil }
        do {
            return try Self.decoder.decode(Self.self, from: Data(PrivateFiles.readAll(layout.record).utf8))
        } catch let error as DecodingError {
            throw FarmError(.damagedState, "\(layout.record) is damaged, remove it: \(error)")
        }
    }

    /// For those who only tell what they found.
    static func readIfAny(_ layout: FarmLayout) -> FarmRecord? {
        do {
            return try Self.read(layout)
        } catch {
            return nil
        }
    }

    func write(_ layout: FarmLayout) throws {
        let text = try String(decoding: Self.encoder.encode(self), as: UTF8.self)
        try PrivateFiles.replace(layout.record, with: text + "\n")
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return encoder
    }

    private static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        return decoder
    }
}
