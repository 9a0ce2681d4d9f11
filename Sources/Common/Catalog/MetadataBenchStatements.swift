package import Postgres

/// Fills a database for `millrace bench metadata`, with triggers and checks of keys off: only into a farm made for it.
///
/// A file has three values of its own, whose frequencies differ: a run of 1,000 files, one of 10,000 energies, and a quality that nine
/// of ten share; its dataset of 10,000 files says the detector (one of ten) and the year.
package enum MetadataBenchStatements {
    package static let filesPerDataset: Int64 = 10_000

    /// A place for the datasets, and the fields.
    package static let farm: [SQL] = [
        "INSERT INTO storage_element (name, kind, base) VALUES ('META-HOME', 'posix', '/nonexistent') ON CONFLICT DO NOTHING",
        """
        INSERT INTO metadata_field (name, type, who) VALUES ('bench_run', 'integer', 'bench'), ('bench_energy', 'number', 'bench'),
            ('bench_quality', 'text', 'bench'), ('bench_detector', 'text', 'bench'), ('bench_year', 'integer', 'bench')
        ON CONFLICT DO NOTHING
        """,
    ]

    /// How many files there are of the benchmark.
    package static let size = Statement<Int64>(
        "metadataBench.size",
        "SELECT count(*) FROM file WHERE lfn LIKE '/meta/%'",
        returning: Int64.self
    )

    /// Room for so many files and datasets: the number before the first file, before the first dataset.
    package static func begin(files: Int64, datasets: Int64) -> Statement<Int64, Int64> {
        Statement(
            "metadataBench.begin",
            """
            SELECT setval('file_id_seq', nextval('file_id_seq') + \(files)) - \(files),
                   setval('dataset_id_seq', nextval('dataset_id_seq') + \(datasets)) - \(datasets)
            """,
            returning: Int64.self,
            Int64.self
        )
    }

    /// So many files, whole datasets of them.
    ///
    /// - Parameters:
    ///   - first: how many there are before these.
    ///   - file: the number before that of the first; dataset likewise.
    package static func grow(first: Int64, count: Int64, file: Int64, dataset: Int64) -> [SQL] {
        let datasets = count / Self.filesPerDataset
        let before = first / Self.filesPerDataset
        return [
            """
            INSERT INTO dataset (id, name, home) OVERRIDING SYSTEM VALUE
            SELECT \(dataset) + n, 'meta.' || \(before) + n, 'META-HOME' FROM generate_series(1, \(datasets)) n
            """,
            """
            INSERT INTO dataset_metadata (dataset, field, type, text_value, integer_value)
            SELECT \(dataset) + n, f.id, f.type, CASE f.name WHEN 'bench_detector' THEN 'detector-' || (\(before) + n) % 10 END,
                   CASE f.name WHEN 'bench_year' THEN 2000 + (\(before) + n) / 10 END
            FROM generate_series(1, \(datasets)) n, metadata_field f WHERE f.name IN ('bench_detector', 'bench_year')
            """,
            """
            INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, created) OVERRIDING SYSTEM VALUE
            SELECT \(file) + n, '/meta/' || (\(first) + n) / 10000 || '/' || \(first) + n, 1000000 * (1 + n % 1000), '00000001', '00000001',
                   100, now() - interval '1 second' * (\(first) + n)
            FROM generate_series(1, \(count)) n
            """,
            """
            INSERT INTO dataset_file (dataset, file)
            SELECT \(dataset) + 1 + (n - 1) / \(Self.filesPerDataset), \(file) + n FROM generate_series(1, \(count)) n
            """,
            """
            INSERT INTO file_metadata (file, field, type, integer_value)
            SELECT \(file) + n, f.id, f.type, (\(first) + n) / 1000
            FROM metadata_field f, generate_series(1, \(count)) n WHERE f.name = 'bench_run'
            """,
            """
            INSERT INTO file_metadata (file, field, type, number_value)
            SELECT \(file) + n, f.id, f.type, ((\(first) + n) * 7919 % 10000)::double precision / 10
            FROM metadata_field f, generate_series(1, \(count)) n WHERE f.name = 'bench_energy'
            """,
            """
            INSERT INTO file_metadata (file, field, type, text_value)
            SELECT \(file) + n, f.id, f.type, CASE WHEN n % 100 = 0 THEN 'ugly' WHEN n % 100 < 10 THEN 'bad' ELSE 'good' END
            FROM metadata_field f, generate_series(1, \(count)) n WHERE f.name = 'bench_quality'
            """,
        ]
    }

    /// What autovacuum would have done by then.
    package static let settle: [SQL] = [
        "VACUUM (ANALYZE) file_metadata", "VACUUM (ANALYZE) dataset_metadata", "VACUUM (ANALYZE) dataset_file",
        "VACUUM (ANALYZE) file",
    ]

    static var examples: [AnyStatement] {
        [Self.size.erased, Self.begin(files: 1, datasets: 1).erased]
            + (Self.farm + Self.grow(first: 0, count: 1, file: 0, dataset: 0)).enumerated().map {
                Command("metadataBench.change.\($0)", $1).erased
            }
    }
}
