import Foundation
import Messages
import Storage
import Testing

/// Payloads that work on real files, event by event: a file holds a record for each of its events, which says of which stream it is and
/// which event of all that were generated. Raw events are of stream 0. What a job writes depends on what it reads from the disk alone.
struct EventPayload: Sendable {
    let disk: ScenarioDisk

    /// A record, in eight bytes.
    static func record(stream: Int, event: Int64) -> UInt64 { UInt64(stream) << 48 | UInt64(event) }

    /// The event of a record.
    static func event(_ record: UInt64) -> Int64 { Int64(record & 0xFFFF_FFFF_FFFF) }

    /// The records of a file.
    static func records(_ content: Data) -> [UInt64] {
        content.withUnsafeBytes { bytes in
            (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
    }

    /// Raw events, in the place that the offer says.
    func generated(_ item: FinishedItem, _ job: OfferedJob) -> FinishedItem {
        self.writing(item, [(job.firstEvent..<job.firstEvent + job.events).map { Self.record(stream: 0, event: $0) }])
    }

    /// The selected events of the input, in one file for each stream that has any.
    ///
    /// - Parameters:
    ///   - selected: places in the input, for each stream.
    ///   - read: so many events, and no more; nil: all.
    func skimmed(_ item: FinishedItem, _ job: OfferedJob, _ selected: [[Int]], read: Int? = nil) -> FinishedItem {
        let events = self.reading(job)
        let end = min(read ?? events.count, events.count)
        var item = self.writing(
            item,
            selected.enumerated().map { stream, places in
                places.filter { $0 < end }.map { UInt64(stream + 1) << 48 | events[$0] }
            }
        )
        item.eventsRead = Int64(end)
        return item
    }

    /// The files of all inputs, one behind the other.
    func merged(_ item: FinishedItem, _ job: OfferedJob) -> FinishedItem { self.writing(item, [self.reading(job)]) }

    /// The records of all inputs of a job.
    private func reading(_ job: OfferedJob) -> [UInt64] {
        job.inputs.flatMap { input in
            do {
                let content = try self.disk.content(of: input.lfn)
                let file = ScenarioDisk.file(content)
                #expect(file.bytes == input.bytes && file.adler32 == input.adler32, "\(input.lfn)")
                return Self.records(content)
            } catch {
                Issue.record("job \(job.name.key) cannot read \(input.lfn): \(error)")
                return []
            }
        }
    }

    /// An empty stream is a row without a file.
    private func writing(_ item: FinishedItem, _ streams: [[UInt64]]) -> FinishedItem {
        var item = item
        item.outputs = zip(item.outputs, streams).map { output, records in
            guard !records.isEmpty else { return ManifestOutput(stream: output.stream, events: 0) }
            var output = self.disk.storing(output, records.withUnsafeBytes { Data($0) })
            output.events = Int64(records.count)
            return output
        }
        return item
    }
}
