import Catalog
import Domain
import Messages
import Postgres

/// What becomes of one finished report.
enum Judgement: Sendable {
    /// The attempt is the winner.
    case accept(Acceptance)
    /// The manifest is refused: everything that is wrong with it.
    case reject([Failure])
    /// An attempt that is not live: see ``AcceptancePolicy/late(_:site:)``.
    case stale

    /// The same, but nothing is accepted, for this reason; nil: as it is.
    func refused(for failure: Failure?) -> Judgement {
        guard case .accept = self, let failure else { return self }
        return .reject([failure])
    }
}

/// Whether the books agree: pure and total. A manifest is taken whole or not at all.
struct AcceptancePolicy: Sendable {
    let facts: BooksFacts

    func judge(_ item: FinishedItem, site: String) -> Judgement {
        let key = item.name.key
        guard let lease = self.facts.leases[key.job], lease.attempt == key.attempt,
            lease.token == item.name.token.lowercased(),
            lease.site == site
        else { return .stale }
        guard let job = self.facts.jobs[key.job], let streams = self.facts.streams[key.task],
            let description = self.facts.descriptions[key.task]
        else {
            return .reject([Failure(.specification, "the catalogue has no description of task \(key.task)")])
        }
        var failures: [Failure] = []
        if item.eventsRead != job.eventsExpected {
            failures.append(Failure(.eventsMismatch, "\(item.eventsRead) events read, \(job.eventsExpected) expected"))
        }
        failures += Self.foreignEvents(item, job)
        for missing in streams.keys.filter({ name in !item.outputs.contains { $0.stream == name } }).sorted() {
            failures.append(Failure(.missingStream, "stream \(missing) is missing"))
        }
        var seen: Set<String> = []
        var outputs: [Acceptance.Output] = []
        for output in item.outputs {
            guard let counted = streams[output.stream], seen.insert(output.stream).inserted else {
                failures.append(Failure(.extraStream, "stream \(output.stream) is not one of the task, or comes twice"))
                continue
            }
            let (file, wrong) = self.file(output, counted: counted, key, description)
            failures += wrong
            outputs.append(.init(stream: output.stream, events: output.events, counted: counted, file: file))
        }
        if description.kind == "merge" {
            let merged = outputs.filter(\.counted).map(\.events).max() ?? 0
            if merged != job.eventsExpected {
                failures.append(
                    Failure(.outputSum, "the merged file holds \(merged) events, its inputs \(job.eventsExpected)")
                )
            }
        }
        guard failures.isEmpty else { return .reject(failures) }
        return .accept(self.acceptance(item, site: site, outputs))
    }

    /// Whether the events are the job's own, as far as the manifest tells which they are.
    private static func foreignEvents(_ item: FinishedItem, _ job: BooksFacts.Job) -> [Failure] {
        var failures: [Failure] = []
        if let first = job.firstEvent, let said = item.firstEvent, said != first {
            failures.append(Failure(.foreignRange, "its events begin at \(said), the job's at \(first)"))
        }
        guard let told = item.ranges, let slices = job.slices else { return failures }
        let problems = RangeCheck.problems(told, of: slices)
        failures += problems.prefix(Self.mostProblems).map { Failure(.foreignRange, $0) }
        let more = problems.count - Self.mostProblems
        if more > 0 { failures.append(Failure(.foreignRange, "\(more) more of its ranges are wrong")) }
        return failures
    }

    /// A merge of thousands of files may be wrong in each.
    private static let mostProblems = 5

    private func acceptance(_ item: FinishedItem, site: String, _ outputs: [Acceptance.Output]) -> Acceptance {
        let steps: String
        do {
            steps = try WireFormat.text(item.steps)
        } catch {
            // Steps are for people; a time that JSON cannot hold must not cost an attempt.
            steps = "[]"
        }
        return Acceptance(
            key: item.name.key,
            site: site,
            node: item.node,
            eventsRead: item.eventsRead,
            started: item.started,
            finished: item.at,
            software: item.software,
            cpuSeconds: item.usage.cpuSeconds,
            wallSeconds: item.usage.wallSeconds,
            memoryPeak: item.usage.memoryPeak,
            steps: JSONText(steps),
            outputs: outputs
        )
    }

    /// The file of one output, and what is wrong with it.
    private func file(
        _ output: ManifestOutput,
        counted: Bool,
        _ key: AttemptKey,
        _ description: JobDescription
    ) -> (Acceptance.StoredFile?, [Failure]) {
        guard output.events >= 0 else {
            return (nil, [Failure(.eventsMismatch, "stream \(output.stream) claims \(output.events) events")])
        }
        if counted && output.events == 0 {
            let failure = Failure(
                .zeroSize,
                "stream \(output.stream) has no events but names a file: empty outputs have none"
            )
            return (nil, output.lfn == nil ? [] : [failure])
        }
        guard let lfn = output.lfn, let storage = output.storage else {
            return (nil, [Failure(.missingStream, "stream \(output.stream) names no stored file")])
        }
        var failures: [Failure] = []
        if !counted && output.events != 0 {
            failures.append(
                Failure(.eventsMismatch, "stream \(output.stream) is an artefact and claims \(output.events) events")
            )
        }
        let prefix = description.lfnPrefix(stream: output.stream, key)
        if !Self.isName(lfn, with: prefix) {
            failures.append(Failure(.foreignName, "\(lfn) is not a name of attempt \(key), which begin with \(prefix)"))
        }
        if self.facts.takenNames.contains(lfn) { failures.append(Failure(.nameTaken, "\(lfn) is registered already")) }
        if !self.facts.storages.contains(storage) {
            failures.append(Failure(.unknownStorage, "there is no storage element \(storage)"))
        }
        guard let bytes = output.bytes, bytes > 0 else {
            return (nil, failures + [Failure(.zeroSize, "\(lfn) has \(output.bytes ?? 0) bytes")])
        }
        guard let adler32 = output.adler32, let crc32c = output.crc32c, Self.isChecksum(adler32),
            Self.isChecksum(crc32c)
        else {
            return (
                nil,
                failures + [Failure(.checksumMalformed, "\(lfn) has no adler32 and crc32c of 8 lower-case hex digits")]
            )
        }
        let file = Acceptance.StoredFile(lfn: lfn, bytes: bytes, adler32: adler32, crc32c: crc32c, storage: storage)
        return (file, failures)
    }

    static func isName(_ lfn: String, with prefix: String) -> Bool {
        let rest = lfn.dropFirst(prefix.count)
        return lfn.hasPrefix(prefix) && (rest.isEmpty || rest.first == ".") && !rest.contains("/")
    }

    static func isChecksum(_ text: String) -> Bool {
        text.utf8.count == 8 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
