import Domain
import Logging
import Messages
import Storage

/// Finds the local path of each input, and makes sure of its bytes.
struct InputFinder: Sendable {
    let storage: [String: PosixStorage]
    let journal: Journal
    let logger: Logger

    /// - Throws: ``JobFailure``: missing, wrong, or on no storage this agent reads.
    func paths(of inputs: [OfferedInput]) async throws -> [String] {
        var paths: [String] = []
        var failures: [Failure] = []
        for input in inputs {
            do {
                paths.append(try await self.path(of: input))
            } catch let error as JobFailure {
                failures += error.failures
            }
        }
        guard failures.isEmpty else { throw JobFailure(failures) }
        return paths
    }

    private func path(of input: OfferedInput) async throws -> String {
        let reachable = input.storage.compactMap { self.storage[$0] }
        guard !reachable.isEmpty else {
            let names = input.storage.joined(separator: ", ")
            throw JobFailure(.inputUnreachable, "\(input.lfn) is on \(names.isEmpty ? "no storage" : names)")
        }
        var first: JobFailure?
        for storage in reachable {
            do {
                return try await self.path(of: input, on: storage)
            } catch let error as JobFailure {
                self.logger.warning("a replica is bad", metadata: ["reason": "\(error.failures.map(\.diagnostic))"])
                first = first ?? error
            }
        }
        throw first ?? JobFailure(.inputUnreachable, input.lfn)
    }

    private func path(of input: OfferedInput, on storage: PosixStorage) async throws -> String {
        do {
            let name = try LogicalName(input.lfn)
            let (path, facts) = try await blocking { (try storage.path(name), try storage.facts(name)) }
            guard let facts else { throw JobFailure(.inputMissing, "\(input.lfn) is not on \(storage.element.name)") }
            if input.bytes != facts.bytes {
                throw JobFailure(
                    .inputChecksum,
                    "\(input.lfn) on \(storage.element.name) has \(facts.bytes) bytes, the catalogue says \(input.bytes)"
                )
            }
            try await self.checkBytes(of: input, name, storage, path, facts)
            return path
        } catch let error as StorageError {
            let code: FailureCode =
                switch error.class {
                case .missing: .inputMissing
                case .corrupt: .inputChecksum
                case .denied, .full, .exists, .other: .inputUnreachable
                }
            throw JobFailure(code, "\(storage.element.name): \(error.description)", source: .storage)
        }
    }

    /// Reads the whole file once; then its size and time stand for it.
    private func checkBytes(
        of input: OfferedInput,
        _ name: LogicalName,
        _ storage: PosixStorage,
        _ path: String,
        _ facts: FileFacts
    ) async throws {
        let modified = facts.modifiedNanoseconds
        let known = try await self.journal.checkedInput(path, bytes: facts.bytes, modified: modified)
        if known == input.adler32 { return }
        let expected = FileExpectation(bytes: input.bytes, adler32: input.adler32)
        let stored = try await blocking { try storage.verify(name, expected: expected) }
        try await self.journal.rememberInput(path, bytes: stored.bytes, modified: modified, adler32: stored.adler32)
    }
}
