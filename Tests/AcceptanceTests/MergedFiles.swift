import Postgres
import Storage
import Testing

/// What the files of a dataset hold, read from the disk.
struct MergedFiles {
    private let dataset: String
    private var records: [UInt64] = []

    /// Reads each file, and compares it with what the catalogue says of it.
    init(of dataset: String, _ centre: TestCentre, _ disk: ScenarioDisk) async throws {
        self.dataset = dataset
        let files = try await centre.database.query(
            Statement(
                "test.mergedFiles",
                """
                SELECT f.lfn, f.events, f.bytes, f.adler32 FROM dataset d JOIN dataset_file df ON df.dataset = d.id
                JOIN file f ON f.id = df.file WHERE d.name = \(dataset)
                """,
                returning: String.self,
                Int64.self,
                Int64.self,
                String.self
            )
        )
        for (lfn, events, bytes, adler32) in files {
            let content = try disk.content(of: lfn)
            let file = ScenarioDisk.file(content)
            let records = EventPayload.records(content)
            #expect(file.bytes == bytes && file.adler32 == adler32 && records.count == events, "\(lfn)")
            self.records += records
        }
        self.records.sort()
    }

    /// - Parameter expected: the events that must be there, in order.
    func expect(_ expected: [UInt64]) {
        guard self.records != expected else { return }
        let twice = zip(self.records, self.records.dropFirst()).filter { $0 == $1 }.map(\.0)
        let missing = Set(expected).subtracting(self.records).sorted()
        let foreign = Set(self.records).subtracting(expected).sorted()
        func events(_ records: some Sequence<UInt64>) -> String {
            records.prefix(5).map { "\(EventPayload.event($0))" }.joined(separator: " ")
        }
        Issue.record(
            """
            \(self.dataset) holds \(self.records.count) events instead of \(expected.count): twice: \(events(twice)); \
            missing: \(events(missing)); of other streams or jobs: \(events(foreign))
            """
        )
    }
}
