import Catalog
import Postgres
import TestSupport

/// Files with all that can be said of them, drawn at random, and the same as rows.
struct SearchWorld: Sendable {
    enum Value: Sendable, Hashable {
        case integer(Int64)
        case number(Double)
        case text(String)
        case flag(Bool)
        /// Microseconds since 1970.
        case time(Int64)
    }

    struct File: Sendable {
        let id: Int
        let lfn: String
        let bytes: Int64
        let events: Int64
        let created: Int64
        let task: Int64?
        let stream: String?
        let site: String?
        let software: String?
        let lost: Bool
        let storages: [String]
        let datasets: [Int]
        /// What people say of it alone.
        let own: [String: Value]
    }

    static let fields: [(name: String, type: String, column: String)] = [
        ("run", "integer", "integer_value"), ("energy", "number", "number_value"), ("quality", "text", "text_value"),
        ("certified", "boolean", "boolean_value"), ("taken", "time", "time_value"),
        ("other", "integer", "integer_value"),
    ]
    static let texts = ["good", "Good", "bad", "b_d", "b%d", "it's", "\u{e9}t\u{e9}", "a\\b", "*", "zz top"]
    static let sites = ["alpha", "Beta", "gamma"]
    static let storages = ["DISK", "TAPE", "disk2"]
    /// Name, and the containers it is in.
    static let datasets: [(name: String, containers: [String])] = [
        ("raw.a", ["all"]), ("raw.b", ["all", "some"]), ("Sim.c", ["all"]), ("sim_d", []), ("empty", ["some"]),
    ]
    /// Task to request.
    static let requests: [Int64: Int64] = [1: 1, 2: 1, 3: 2]

    let files: [File]
    /// What is said of each dataset.
    let said: [[String: Value]]

    init(files count: Int, using random: inout SeededRandom) {
        var said: [[String: Value]] = []
        for _ in Self.datasets { said.append(Self.values(share: 0.4, using: &random)) }
        self.said = said
        var files: [File] = []
        for id in 1...count {
            let task: Int64? =
                Double.random(in: 0..<1, using: &random) < 0.8 ? Int64.random(in: 1...3, using: &random) : nil
            let numbers = Self.datasets.indices.dropLast().filter { _ in Double.random(in: 0..<1, using: &random) < 0.3
            }
            files.append(
                File(
                    id: id,
                    lfn: "/\(["a", "B", "b"][id % 3])/\(["x", "y_"][id / 3 % 2])/\(id)",
                    bytes: Int64.random(in: 1...20, using: &random) * 1000,
                    events: Int64.random(in: 0...10, using: &random),
                    created: 1_793_491_200_000_000 + Int64.random(in: 0...9, using: &random) * 3_600_000_000,
                    task: task,
                    stream: task == nil ? nil : ["out", "log"].randomElement(using: &random),
                    site: Bool.random(using: &random) ? Self.sites.randomElement(using: &random) : nil,
                    software: Bool.random(using: &random) ? "tool-\(id % 3)" : nil,
                    lost: Double.random(in: 0..<1, using: &random) < 0.1,
                    storages: Self.storages.filter { _ in Double.random(in: 0..<1, using: &random) < 0.4 },
                    datasets: Array(numbers),
                    own: Self.values(share: 0.35, using: &random)
                )
            )
        }
        self.files = files
    }

    private static func values(share: Double, using random: inout SeededRandom) -> [String: Value] {
        var values: [String: Value] = [:]
        for field in Self.fields where Double.random(in: 0..<1, using: &random) < share {
            values[field.name] = Self.value(of: field.type, using: &random)
        }
        return values
    }

    static func value(of type: String, using random: inout SeededRandom) -> Value {
        switch type {
        case "integer": .integer(Int64.random(in: -3...6, using: &random))
        case "number": .number(Double(Int.random(in: -4...8, using: &random)) / 4)
        case "text": .text(Self.texts.randomElement(using: &random) ?? "good")
        case "boolean": .flag(Bool.random(using: &random))
        default: .time(1_793_491_200_000_000 + Int64.random(in: 0...5, using: &random) * 86_400_000_000)
        }
    }

    // MARK: What holds for a file

    /// The values of a field of a file, as the language defines them.
    func values(_ field: String, of file: File) -> [Value] {
        func one(_ text: String?) -> [Value] { text.map { [.text($0)] } ?? [] }
        switch field {
        case "lfn": return [.text(file.lfn)]
        case "bytes": return [.integer(file.bytes)]
        case "events": return [.integer(file.events)]
        case "created": return [.time(file.created)]
        case "task": return file.task.map { [.integer($0)] } ?? []
        case "request": return file.task.flatMap { Self.requests[$0] }.map { [.integer($0)] } ?? []
        case "stream": return one(file.stream)
        case "site": return one(file.site)
        case "software": return one(file.software)
        case "lost": return [.flag(file.lost)]
        case "storage": return file.storages.map { .text($0) }
        case "dataset": return file.datasets.map { .text(Self.datasets[$0].name) }
        case "container": return file.datasets.flatMap { Self.datasets[$0].containers.map { .text($0) } }
        default:
            if let own = file.own[field] { return [own] }
            for dataset in file.datasets.sorted() {
                if let value = self.said[dataset][field] { return [value] }
            }
            return []
        }
    }

    // MARK: As rows

    var script: String {
        var lines = [
            """
            SET search_path = millrace, public;
            SET session_replication_role = replica;
            INSERT INTO site (name) VALUES ('alpha'), ('Beta'), ('gamma');
            INSERT INTO storage_element (name, kind, base) VALUES ('DISK', 'posix', '/a'), ('TAPE', 'posix', '/b'), ('disk2', 'posix', '/c');
            INSERT INTO workflow (name, version, document, sha256, owner) VALUES ('w', 1, '{}', repeat('0', 64), 'ann');
            INSERT INTO class (cores, memory_mb, walltime_s, disk_mb, platform, tags, sites, storage)
                VALUES (1, 1000, 3600, 1000, 'any', '{}', '{}', '{}');
            INSERT INTO request (workflow, parameters, seed, owner, state, submission)
                VALUES (1, '{}', 1, 'ann', 'running', gen_random_uuid()), (1, '{}', 1, 'ann', 'running', gen_random_uuid());
            INSERT INTO task (request, name, position, kind, class, priority, spec)
                VALUES (1, 'a', 0, 'generate', 1, 1, '{}'), (1, 'b', 1, 'generate', 1, 1, '{}'), (2, 'c', 0, 'generate', 1, 1, '{}');
            INSERT INTO container (name, owner) VALUES ('all', 'ann'), ('some', 'ann');
            """
        ]
        for (number, field) in Self.fields.enumerated() {
            lines.append(
                "INSERT INTO metadata_field (name, type, who) VALUES ('\(field.name)', '\(field.type)', 'ann'); -- \(number + 1)"
            )
        }
        for (number, dataset) in Self.datasets.enumerated() {
            lines.append("INSERT INTO dataset (name, home) VALUES ('\(dataset.name)', 'DISK');")
            for container in dataset.containers {
                lines.append(
                    "INSERT INTO container_member SELECT id, \(number + 1) FROM container WHERE name = '\(container)';"
                )
            }
            lines += Self.rows("dataset_metadata (dataset", number + 1, self.said[number])
        }
        for file in self.files {
            let made = file.task.map { "\($0), \(file.id), 1" } ?? "NULL, NULL, NULL"
            lines.append(
                """
                INSERT INTO file (lfn, bytes, adler32, crc32c, events, task, index, attempt, software, site, created, lost) VALUES
                ('\(file.lfn)', \(file.bytes), '00000001', '00000001', \(file.events), \(made), \(Self.quoted(file.software)),
                 \(Self.quoted(file.site)), '2000-01-01'::timestamptz + interval '1 microsecond' * (\(file.created) - 946684800000000), \(file.lost));
                """
            )
            if let task = file.task, let stream = file.stream {
                lines.append(
                    "INSERT INTO output VALUES (\(task), \(file.id), 1, '\(stream)', \(file.events), \(file.events > 0), \(file.id));"
                )
            }
            for storage in Self.storages {
                let state = file.storages.contains(storage) ? "available" : "bad"
                lines.append(
                    "INSERT INTO replica (file, storage, state) VALUES (\(file.id), '\(storage)', '\(state)');"
                )
            }
            for dataset in file.datasets {
                lines.append("INSERT INTO dataset_file VALUES (\(dataset + 1), \(file.id));")
            }
            lines += Self.rows("file_metadata (file", file.id, file.own)
        }
        return lines.joined(separator: "\n") + "\nANALYZE;"
    }

    private static func rows(_ table: String, _ id: Int, _ values: [String: Value]) -> [String] {
        Self.fields.enumerated().compactMap { number, field in
            guard let value = values[field.name] else { return nil }
            let text =
                switch value {
                case .integer(let number): "\(number)"
                case .number(let number): "\(number)"
                case .text(let text): Self.quoted(text)
                case .flag(let flag): "\(flag)"
                case .time(let time):
                    "'2000-01-01'::timestamptz + interval '1 microsecond' * (\(time) - 946684800000000)"
                }
            return
                "INSERT INTO \(table), field, type, \(field.column)) VALUES (\(id), \(number + 1), '\(field.type)', \(text));"
        }
    }

    private static func quoted(_ text: String?) -> String {
        text.map { "'\($0.replacing("'", with: "''"))'" } ?? "NULL"
    }
}
