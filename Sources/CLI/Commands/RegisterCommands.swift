import ArgumentParser
import Catalog
import Domain
import Messages

/// `field=value`, several times.
struct SaidOptions: ParsableArguments {
    @Option(name: .customLong("metadata"), help: "What is said, field=value (several: repeat).")
    var values: [String] = []

    func validate() throws {
        for value in self.values where !value.dropFirst().contains("=") {
            throw ValidationError("--metadata \(value) is not of the form field=value")
        }
    }

    var said: [String: String] {
        self.values.reduce(into: [:]) { said, value in
            let parts = value.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            said[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
        }
    }
}

extension DatasetCommands {
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an open dataset that no task fills: file register and dataset add put files into it.",
            discussion: "Tasks that read it take its files as they come; dataset close says that it is complete."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "Its name: letters, digits, _ . + -.") var dataset: String
        @Option(help: "The storage element where its files belong (default: the oldest one).") var home: String?
        @OptionGroup var metadata: SaidOptions
        @Option(help: "Why, for the log.") var reason: String?

        mutating func run() async throws {
            let body: [String: JSON] = [
                "dataset": .text(self.dataset), "home": self.home.json,
                "metadata": .group(self.metadata.said.mapValues { .text($0) }), "reason": self.reason.json,
            ]
            try await self.options.send("/datasets", body)
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put files of the catalogue into an open dataset that no task fills; all or none of a thousand."
        )
        @OptionGroup var options: ChangeOptions
        @Argument(help: "The dataset.") var dataset: String
        @Argument(help: "The files' logical names; - reads them from standard input, one a line.") var files: [String]

        /// As many as the centre takes at once.
        private static let batch = 1000

        mutating func run() async throws {
            let gateway = try await GatewayClient.fromEnvironment()
            let path = "/datasets/\(GatewayClient.escape(self.dataset))/add"
            let names = try self.files == ["-"] ? Self.standardInput() : self.files
            var dataset = JSON.nothing
            for start in stride(from: 0, to: names.count, by: Self.batch) {
                let body: [String: JSON] = [
                    "files": .list(names[start..<min(start + Self.batch, names.count)].map { .text($0) })
                ]
                do {
                    dataset = try await self.options.send(path, body, by: gateway, isQuiet: self.options.json)
                } catch let failure as CommandFailure {
                    throw Self.told(failure, after: start, isDryRun: self.options.dryRun)
                }
            }
            // However many times it was asked: one object, as the dataset is in the end.
            if self.options.json { try Output.json(dataset) }
        }

        /// A refusal of a batch, with how many files were taken before it.
        static func told(_ failure: CommandFailure, after count: Int, isDryRun: Bool) -> CommandFailure {
            let said =
                failure.problems.isEmpty
                ? failure.lines : failure.problems.map { "\($0.field): \($0.text)" }
            var lines = said
            if count > 0 && isDryRun {
                lines.append("the \(count) files before these could be put into the dataset")
            } else if count > 0 {
                // Of a batch without an answer nobody knows.
                let rest = failure.isUnanswered ? "" : "; the rest of the list is not"
                lines.append("the \(count) files before these are in the dataset\(rest)")
            }
            return CommandFailure(failure.kind, lines: lines, isUnanswered: failure.isUnanswered)
        }

        private static func standardInput() throws -> [String] {
            do {
                let lines = try TextFile.read("/dev/stdin").split(whereSeparator: \.isNewline).map(String.init)
                guard !lines.isEmpty else { throw CommandFailure(.usage, "standard input names no files") }
                return lines
            } catch let error as TextFile.ReadProblem {
                throw CommandFailure(.usage, "standard input cannot be read: \(error.reason)")
            }
        }
    }
}

extension FileCommands {
    struct Register: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that files are stored already; each is verified there before it is a file of the dataset.",
            discussion: """
                The files: a list (JSON: [{"lfn": "/mc/a.root", "bytes": 12, "adler32": "0a1b2c3d", "events": 5, "metadata": {"run": 7}}, ...] \
                or an object on each line; CSV: a first line such as lfn,bytes,adler32,events,metadata.run), --from-folder, or one with \
                --lfn. Each lies below the base of the storage element as its name says.
                """
        )
        @OptionGroup var options: ChangeOptions
        @Option(help: "The storage element they are on.") var storage: String
        @Option(help: "The open dataset they come into; see dataset create.") var dataset: String
        @Argument(help: "The list; - reads it from standard input.") var list: String?
        @Option(
            help:
                "The folder on this machine that is the base of the storage element: all its files, with checksums computed here."
        )
        var fromFolder: String?
        @Option(help: "With --from-folder: only what is below this folder of it.") var below: String?
        @Option(help: "One file: its logical name.") var lfn: String?
        @Option(help: "One file: its size.") var bytes: Int64?
        @Option(help: "One file: its Adler-32 checksum, 8 hexadecimal digits.") var adler32: String?
        @Option(help: "One file: its CRC-32C checksum.") var crc32c: String?
        @Option(help: "Events of one file, or of each of a folder.") var events: Int64?
        @OptionGroup var metadata: SaidOptions
        @Flag(
            help: "Of files without a checksum the one that is read first is taken for it: only their size is compared."
        )
        var measure = false
        @Option(help: "Why, for the log.") var reason: String?

        func validate() throws {
            let ways = [self.list, self.fromFolder, self.lfn].count { $0 != nil }
            guard ways == 1 else { throw ValidationError("give one of these: a list, --from-folder, --lfn") }
            if self.list != nil, self.events != nil || !self.metadata.values.isEmpty {
                throw ValidationError("--events and --metadata are in the list, for each file")
            }
            if self.list == nil, self.events == nil { throw ValidationError("--events is missing") }
            if self.lfn != nil, self.bytes == nil { throw ValidationError("--bytes is missing") }
            if self.lfn == nil, self.bytes != nil || self.adler32 != nil || self.crc32c != nil {
                throw ValidationError("--bytes, --adler32 and --crc32c go with --lfn")
            }
            if self.fromFolder == nil, self.below != nil { throw ValidationError("--below goes with --from-folder") }
        }

        mutating func run() async throws {
            let work = Registering(
                gateway: try await GatewayClient.fromEnvironment(),
                storage: self.storage,
                dataset: self.dataset,
                measured: self.measure,
                reason: self.reason,
                dryRun: self.options.dryRun
            )
            var sum = Registering.Sum()
            if let folder = self.fromFolder {
                try await self.send(folder: folder, by: work, &sum)
            } else if let list = self.list {
                let files = try FileList.read(list, measured: self.measure)
                for start in stride(from: 0, to: files.items.count, by: Registering.batch) {
                    let batch = Array(files.items[start..<min(start + Registering.batch, files.items.count)])
                    try await work.send(batch.map(\.entry), &sum) { "\(files.name):\(batch[$0].line)" }
                }
            } else if let lfn = self.lfn {
                let entry = FileEntry(
                    lfn: lfn,
                    bytes: self.bytes ?? 0,
                    adler32: self.adler32,
                    crc32c: self.crc32c,
                    events: self.events ?? 0,
                    metadata: self.metadata.said
                )
                try await work.send([entry], &sum) { _ in nil }
            }
            guard self.options.json else { return Output.lines(work.lines(sum)) }
            let counts = ["files": sum.files, "queued": sum.queued, "joined": sum.joined, "known": sum.known]
            try Output.json(.group(counts.mapValues { .integer($0) }))
        }

        private func send(folder: String, by work: Registering, _ sum: inout Registering.Sum) async throws {
            let files = try FolderList(
                folder,
                below: self.below ?? "",
                events: self.events ?? 0,
                metadata: self.metadata.said,
                measured: self.measure
            )
            for start in stride(from: 0, to: files.names.count, by: Registering.batch) {
                let names = files.names[start..<min(start + Registering.batch, files.names.count)]
                try await work.send(try files.entries(names), &sum) { files.base + names[start + $0] }
            }
        }
    }

    struct Registrations: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "List files that were registered: which wait to be verified, and which are not what was said."
        )
        @OptionGroup var options: ListOptions
        @Option(help: "Only in these states: queued, active, done, failed.") var state: String?
        @Option(help: "Only of this dataset.") var dataset: String?
        @Option(help: "Only at this storage element.") var storage: String?
        @Option(help: "Only this file, by its logical name.") var lfn: String?

        var path: String { "/registrations" }
        var query: [(String, String?)] {
            [("state", self.state), ("dataset", self.dataset), ("storage", self.storage), ("lfn", self.lfn)]
        }
        var columns: [Column] {
            [
                Column("registration"), Column("state", .state), Column("lfn"), Column("storage"), Column("dataset"),
                Column("bytes", .bytes), Column("events"), Column("who"), Column("updated", .time), Column("reason"),
            ]
        }
    }
}
