import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres

/// What attempts claim to have made.
extension FuzzClient {
    /// A manifest that is in order; nil: the task is so new that its maker has not told of it yet.
    func manifest(of key: AttemptKey) -> Acceptance? {
        let known = self.ledger.withLockedValue { ($0.tasks[key.task], $0.expected[key]) }
        guard let task = known.0, let expected = known.1 else { return nil }
        let outputs = task.streams.map { stream -> Acceptance.Output in
            // A stream without events has no file.
            let isEmpty = stream.counted && self.chance(15)
            let events = isEmpty || !stream.counted ? 0 : Int64.random(in: 1...10, using: &self.random)
            return Acceptance.Output(
                stream: stream.name,
                events: events,
                counted: stream.counted,
                file: isEmpty ? nil : self.file("/fuzz/\(key)/\(stream.name)")
            )
        }
        return self.manifest(key, read: expected, outputs)
    }

    func file(_ lfn: String, checksum: String = "0000000a", storage: String? = nil) -> Acceptance.StoredFile {
        Acceptance.StoredFile(
            lfn: lfn,
            bytes: Int64.random(in: 1...1_000_000, using: &self.random),
            adler32: checksum,
            crc32c: "0000000b",
            storage: storage ?? (self.chance(80) ? "DISK" : "HOME")
        )
    }

    private func manifest(_ key: AttemptKey, read: Int64, _ outputs: [Acceptance.Output]) -> Acceptance {
        Acceptance(
            key: key,
            site: "LOCAL",
            node: "n",
            eventsRead: read,
            started: .now,
            finished: .now,
            software: nil,
            cpuSeconds: 1,
            wallSeconds: 1,
            memoryPeak: 1,
            steps: JSONText("[]"),
            outputs: outputs
        )
    }

    /// A manifest that the Bookkeeper's checks would have refused, given to the books as if they had not looked: the whole of its
    /// batch must be refused, by the schema alone.
    func badManifest() async throws {
        let keys = self.draw(most: 3) { $0.live }
        guard let key = keys.first, let good = self.manifest(of: key) else { return }
        let (name, bad) = self.spoilt(good)
        let batch = [bad] + keys.dropFirst().compactMap { self.manifest(of: $0) }
        let taken = try await self.transact(refusals: Self.constraints) { transaction -> Bool in
            guard try await self.lock([key], in: transaction).count == 1 else { return false }
            _ = try await transaction.query(AcceptStatements.accept(batch))
            return true
        }
        self.ledger.withLockedValue {
            $0.attacks[name, default: 0] += 1
            if taken == true { $0.faults.append("\(name): the manifest of \(key) was accepted") }
        }
    }

    private func spoilt(_ good: Acceptance) -> (name: String, Acceptance) {
        let (key, first) = (good.key, good.outputs[0])
        let rest = Array(good.outputs.dropFirst())
        func with(_ output: Acceptance.Output) -> Acceptance {
            self.manifest(key, read: good.eventsRead, [output] + rest)
        }
        func output(_ events: Int64, _ file: Acceptance.StoredFile?) -> Acceptance.Output {
            .init(stream: first.stream, events: events, counted: true, file: file)
        }
        let lfn = "/fuzz/\(key)/bad"
        switch Int.random(in: 0..<8, using: &self.random) {
        case 0: return ("manifest without a stream", self.manifest(key, read: good.eventsRead, rest))
        case 1:
            let extra = Acceptance.Output(stream: "extra", events: 1, counted: true, file: self.file(lfn))
            return (
                "manifest with a stream too many", self.manifest(key, read: good.eventsRead, good.outputs + [extra])
            )
        case 2: return ("manifest with wrong events read", self.manifest(key, read: good.eventsRead + 1, good.outputs))
        case 3: return ("manifest with a file without events", with(output(0, self.file(lfn))))
        case 4: return ("manifest with events without a file", with(output(5, nil)))
        case 5: return ("manifest with a malformed checksum", with(output(5, self.file(lfn, checksum: "0000000G"))))
        case 6: return ("manifest with an unknown storage", with(output(5, self.file(lfn, storage: "NOWHERE"))))
        default:
            let earlier = self.draw { $0.winners }.flatMap { key in
                self.ledger.withLockedValue { $0.accepted[key]?.outputs.compactMap(\.file?.lfn).first }
            }
            guard let earlier else { return ("manifest with events without a file", with(output(5, nil))) }
            return ("manifest with the name of another's file", with(output(5, self.file(earlier))))
        }
    }
}
