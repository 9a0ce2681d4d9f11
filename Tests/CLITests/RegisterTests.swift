import ArgumentParser
import Catalog
import Domain
import Glibc
import Messages
import TestSupport
import Testing

@testable import CLI

/// Lists of files as operators write them, and what is told of their mistakes.
@Suite struct RegisterTests {
    private static func parse(_ text: String, measured: Bool = false) throws -> [FileList.Item] {
        try FileList.parse(text, name: "files", measured: measured).items
    }

    /// The lines of what is wrong.
    private static func wrong(_ text: String) -> [String] {
        do {
            _ = try Self.parse(text)
            return []
        } catch {
            let failure = error as? CommandFailure
            #expect(failure?.kind == .usage && failure?.isAboutFile == true, "\(error)")
            return failure?.lines ?? []
        }
    }

    private static let first = FileEntry(
        lfn: "/mc/a.root",
        bytes: 12,
        adler32: "0a1b2c3d",
        events: 5,
        metadata: ["run": "7", "tag": "a,\"b\""]
    )

    @Test func aListIsJSONOrCSV() throws {
        let array = #"""
            [
              {"lfn": "/mc/a.root", "bytes": 12, "adler32": "0A1B2C3D", "events": 5,
               "metadata": {"run": 7, "tag": "a,\"b\""}},
              {"lfn": "/mc/{b}.root".

            """#
        #expect(throws: CommandFailure.self) { try Self.parse(array) }
        let good = #"""
            [
              {"lfn": "/mc/a.root", "bytes": 12, "adler32": "0A1B2C3D", "events": 5,
               "metadata": {"run": 7, "tag": "a,\"b\""}},
              {"lfn": "/mc/b.root", "bytes": 1, "crc32c": "00000001", "events": 0}
            ]
            """#
        let second = FileEntry(lfn: "/mc/b.root", bytes: 1, crc32c: "00000001", events: 0)
        #expect(
            try Self.parse(good) == [.init(entry: Self.first, line: 2), .init(entry: second, line: 4)]
        )
        let lines = #"""
            {"lfn": "/mc/a.root", "bytes": 12, "adler32": "0a1b2c3d", "events": 5, "metadata": {"run": "7", "tag": "a,\"b\""}}

            {"lfn": "/mc/b.root", "bytes": 1, "crc32c": "00000001", "events": 0}
            """#
        #expect(try Self.parse(lines).map(\.line) == [1, 3])
        #expect(try Self.parse(lines).map(\.entry) == [Self.first, second])
        let csv =
            "lfn,bytes,adler32,crc32c,events,metadata.run,metadata.tag\r\n"
            + "/mc/a.root,12,0a1b2c3d,,5,7,\"a,\"\"b\"\"\"\n\n/mc/b.root,1,,00000001,0,,\n"
        #expect(try Self.parse(csv).map(\.line) == [2, 4])
        #expect(try Self.parse(csv).map(\.entry) == [Self.first, second])
    }

    @Test func everyMistakeHasItsLineAndField() {
        let csv = """
            lfn,bytes,adler32,events
            /mc/a.root,12,0a1b2c3d,5
            /mc/b root,x,0a1b2c3d,5
            /mc/c.root,0,,-1
            /mc/a.root,12,0a1b2c3d,5
            /mc/d.root,1
            """
        #expect(
            Self.wrong(csv) == [
                "files:6: has 2 cells, not 4", "files:3: bytes: x is not a whole number",
                "files:4: bytes: is 0: a file has one byte or more", "files:4: events: is -1: it cannot be negative",
                "files:4: adler32: is missing, and so is crc32c: give one of them, or have what is stored measured",
                "files:5: lfn: /mc/a.root is in line 2 already",
            ]
        )
        let json = #"""
            [{"lfn": "/a", "bytes": 1, "adler32": "00000001", "events": 1},
             {"lfn": "/b", "byte": 1, "adler32": 5, "events": 1.5, "metadata": {"x": [1]}}]
            """#
        #expect(
            Self.wrong(json) == [
                "files:2: byte: is not known; known: adler32, bytes, crc32c, events, lfn, metadata",
                "files:2: metadata.x: must be text, a number, true or false", "files:2: bytes: is missing",
                "files:2: adler32: must be text", "files:2: events: must be a whole number",
            ]
        )
        #expect(
            Self.wrong("lfn,size\n/a,1\n").first?.hasPrefix("files:1: column size is not known; known: lfn,") == true
        )
        #expect(Self.wrong("lfn,lfn\n") == ["files:1: names a column twice"])
        #expect(Self.wrong("lfn,bytes\n\"/a,1\n") == ["files:2: has a quote that is not closed"])
        #expect(Self.wrong("lfn,bytes\n\"/a\"b,1\n") == ["files:2: has something behind a closing quote"])
        #expect(Self.wrong("") == ["files: names no files"])
        #expect(Self.wrong("[]") == ["files: names no files"])
        #expect(Self.wrong("[1]") == ["files: holds something else than objects, each in braces"])
        #expect(Self.wrong("{\"lfn\": }\n").first?.hasPrefix("files:1: is not JSON") == true)
    }

    @Test func whatTheCentreRefusesIsToldWhereItStands() {
        let refused = CommandFailure(
            .refused,
            lines: ["2 of 3 files cannot be registered"],
            problems: [.init(item: 0, field: "lfn", text: "/a is lost"), .init(item: 2, field: "bytes", text: "is 5")]
        )
        let place: (Int) -> String? = { "list.csv:\($0 + 2)" }
        var sum = Registering.Sum()
        #expect(
            Registering.located(refused, before: sum, place: place).lines
                == ["list.csv:2: lfn: /a is lost", "list.csv:4: bytes: is 5"]
        )
        sum.add(.group(["queued": .integer(400), "known": .integer(100)]), files: 500)
        let later = Registering.located(refused, before: sum, place: place)
        #expect(
            later.kind == .refused
                && later.lines.last
                    == "millrace: the 500 files before these are registered; the rest of the list is not"
        )
        let plain = CommandFailure(.refused, "there is no dataset x")
        #expect(Registering.located(plain, before: .init(), place: place).lines == ["millrace: there is no dataset x"])
    }

    @Test func theCommandsAreUnderstood() throws {
        func parse(_ line: String) throws -> any ParsableCommand {
            try Millrace.parseAsRoot(line.split(separator: " ").map(String.init))
        }
        let create = try #require(
            try parse("dataset create mc --home KEK --metadata run=7 --metadata a=b=c") as? DatasetCommands.Create
        )
        #expect(create.metadata.said == ["run": "7", "a": "b=c"])
        #expect(try parse("dataset add mc /a /b --dry-run") is DatasetCommands.Add)
        let to = "file register --storage KEK --dataset mc"
        #expect(try parse("\(to) list.csv --dry-run") is FileCommands.Register)
        #expect(try parse("\(to) -") is FileCommands.Register)
        #expect(
            try parse("\(to) --from-folder /data --below /mc --events 5 --metadata run=7 --measure")
                is FileCommands.Register
        )
        #expect(try parse("\(to) --lfn /a --bytes 5 --adler32 00000001 --events 1") is FileCommands.Register)
        #expect(try parse("file registrations --state failed --dataset mc") is FileCommands.Registrations)
        for wrong in [
            to, "\(to) list.csv --lfn /a", "\(to) list.csv --events 5", "\(to) --lfn /a --bytes 5",
            "\(to) --lfn /a --events 5",
            "\(to) --from-folder /data", "\(to) --from-folder /data --events 1 --bytes 5", "\(to) list.csv --below /mc",
            "dataset create mc --metadata run", "dataset add mc",
        ] {
            #expect(throws: (any Error).self, "\(wrong)") { try parse(wrong) }
        }
    }

    @Test func aFolderIsAList() throws {
        let folder = try TestFolder.make("cli")
        func write(_ text: String, to name: String) throws {
            let file = try #require(fopen("\(folder)\(name)", "w"))
            fputs(text, file)
            fclose(file)
        }
        mkdir("\(folder)/mc", 0o700)
        mkdir("\(folder)/other", 0o700)
        try write("Wikipedia", to: "/mc/a.txt")
        try write("half", to: "/mc/.b.txt.4711.part")
        try write("", to: "/other/empty")
        let files = try FolderList("\(folder)/", below: "mc/", events: 3, metadata: ["run": "7"], measured: false)
        #expect(files.names == ["/mc/a.txt"])
        let read = try files.entries(files.names)
        // The CRC-32C of these bytes is that of any other program (python3 -m crc32c).
        #expect(read.map(\.lfn) == ["/mc/a.txt"] && read.first?.adler32 == "11e60398" && read.first?.bytes == 9)
        #expect(read.first?.crc32c != nil && read.first?.events == 3 && read.first?.metadata == ["run": "7"])
        let measured = try FolderList(folder, below: "/mc", events: 3, metadata: [:], measured: true)
        #expect(try measured.entries(measured.names) == [FileEntry(lfn: "/mc/a.txt", bytes: 9, events: 3)])
        #expect(throws: CommandFailure.self) {
            try FolderList(folder, below: "", events: 3, metadata: [:], measured: true)
        }
        #expect(throws: CommandFailure.self) {
            try FolderList(folder, below: "/none", events: 3, metadata: [:], measured: true)
        }
    }
}
