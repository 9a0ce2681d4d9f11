import Catalog
import Domain
import Messages

/// Sends files to be registered, batch by batch: each is taken whole or refused whole.
struct Registering {
    let gateway: GatewayClient
    let storage: String
    let dataset: String
    let measured: Bool
    let reason: String?
    let dryRun: Bool

    /// Fewer than the centre takes at once, so that their text is short enough, too.
    static let batch = 500

    /// What the centre said of all batches so far.
    struct Sum: Equatable {
        var files: Int64 = 0
        var queued: Int64 = 0
        var joined: Int64 = 0
        var known: Int64 = 0

        mutating func add(_ result: JSON, files: Int) {
            self.files += Int64(files)
            self.queued += result["queued"].integer ?? 0
            self.joined += result["joined"].integer ?? 0
            self.known += result["known"].integer ?? 0
        }
    }

    /// - Parameter place: where an entry of this batch stands, such as `list.csv:7`; nil: nowhere, its name is enough.
    func send(_ entries: [FileEntry], _ sum: inout Sum, place: (Int) -> String?) async throws {
        let body: [String: JSON] = [
            "storage": .text(self.storage), "dataset": .text(self.dataset), "measure": .truth(self.measured),
            "reason": self.reason.json, "files": .list(entries.map(Self.json)),
        ]
        do {
            let answer = try await self.gateway.change("/files/register", body, dryRun: self.dryRun)
            sum.add(answer["result"], files: entries.count)
        } catch let failure as CommandFailure {
            throw Self.located(failure, before: sum, place: place)
        }
    }

    /// The lines of a refusal with the places of the files that it is about, and how far it had come.
    static func located(_ failure: CommandFailure, before sum: Sum, place: (Int) -> String?) -> CommandFailure {
        let told = failure.problems.map { problem in
            "\(place(problem.item) ?? "millrace"): \(problem.field): \(problem.text)"
        }
        let done =
            sum.files > 0
            ? ["millrace: the \(sum.files) files before these are registered; the rest of the list is not"] : []
        let lines = told.isEmpty ? failure.lines.map { "millrace: \($0)" } : told
        return CommandFailure(failure.kind, lines: lines + done, isAboutFile: true, isUnanswered: failure.isUnanswered)
    }

    /// What became of all.
    func lines(_ sum: Sum) -> [String] {
        var lines = ["\(sum.queued) files of dataset \(self.dataset) are to be verified at \(self.storage)"]
        if sum.joined > 0 { lines.append("\(sum.joined) files that are verified already are put into the dataset") }
        if sum.known > 0 { lines.append("\(sum.known) files were registered already: nothing to do") }
        if sum.queued > 0 && !self.dryRun {
            lines.append("how far that is: millrace file registrations --dataset \(self.dataset)")
        }
        return lines.map { self.dryRun ? "dry run: \($0)" : $0 }
    }

    static func json(_ entry: FileEntry) -> JSON {
        var fields: [String: JSON] = [
            "lfn": .text(entry.lfn), "bytes": .integer(entry.bytes), "events": .integer(entry.events),
        ]
        if let adler32 = entry.adler32 { fields["adler32"] = .text(adler32) }
        if let crc32c = entry.crc32c { fields["crc32c"] = .text(crc32c) }
        if !entry.metadata.isEmpty { fields["metadata"] = .group(entry.metadata.mapValues { .text($0) }) }
        return .group(fields)
    }
}
