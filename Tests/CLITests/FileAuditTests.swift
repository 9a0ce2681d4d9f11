import Catalog
import Domain
import Glibc
import Postgres
import TestSupport
import Testing

@testable import CLI

@Suite struct FileAuditTests {
    /// Gives `body` an empty folder.
    private static func withFolder(_ body: (String) throws -> Void) throws {
        try body(TestFolder.make("cli"))
    }

    private static func write(_ text: String, to path: String) throws {
        let file = try #require(fopen(path, "w"))
        fputs(text, file)
        fclose(file)
    }

    @Test func theAttemptStandsInTheName() {
        #expect(FileAudit.attempt(of: "/7/simulate/rec/0/12.5.1.npz") == "12.5.1")
        #expect(FileAudit.attempt(of: "/7/generate/gen/0/12.5.1.hepmc.gz") == "12.5.1")
        #expect(FileAudit.attempt(of: "/strange") == "strange")
    }

    @Test func allFilesUnderAFolderAreFound() throws {
        try Self.withFolder { folder in
            mkdir("\(folder)/a", 0o700)
            mkdir("\(folder)/a/b", 0o700)
            try Self.write("1", to: "\(folder)/a/b/two")
            try Self.write("2", to: "\(folder)/one")
            symlink("\(folder)/one", "\(folder)/link")
            #expect(try FileWalk.files(under: folder).map(\.path) == ["/a/b/two", "/one"])
        }
    }

    /// What ends in `.part` and is no copy that is being made is a file as all others.
    @Test func unfinishedCopiesOfTriesThatDiedAreTold() async throws {
        let folder = try TestFolder.make("cli")
        for (name, age) in [(".a.dat.t1.part", 90_000), (".b.dat.t1.part", 80_000), ("c.part", 7200)] {
            let path = "\(folder)/\(name)"
            try Self.write("1", to: path)
            let written = timeval(tv_sec: time(nil) - age, tv_usec: 0)
            #expect(utimes(path, [written, written]) == 0)
        }
        let url = try await TestDatabase.make(template: "millrace_template") { url in
            _ = try await Migrator.migrate(url: url, logger: LocalCatalog.quiet)
        }
        let found = try await LocalCatalog.with(url) { database in
            try await database.execute(
                "INSERT INTO storage_element (name, kind, base) VALUES ('DISK', 'posix', \(folder))"
            )
            return try await FileAudit(checksums: false, grace: 3600).examine(database)
        }.filter { $0.violations > 0 }
        #expect(found.map(\.invariant) == ["stored-files-are-known", "unfinished-copies-are-removed"])
        #expect(found.map(\.examples) == [["/c.part at DISK"], ["/.a.dat.t1.part at DISK"]])
    }

    @Test func aChecksumIsThatOfTheBytes() throws {
        try Self.withFolder { folder in
            // The example of the Wikipedia article on Adler-32.
            try Self.write("Wikipedia", to: "\(folder)/file")
            #expect(try FileChecksum.adler32("\(folder)/file") == "11e60398")
            #expect(throws: CommandFailure.self) { try FileChecksum.adler32("\(folder)/none") }
        }
    }

    @Test func removingAFolderDoesNotFollowLinks() throws {
        try Self.withFolder { folder in
            mkdir("\(folder)/gone", 0o700)
            try Self.write("1", to: "\(folder)/kept")
            symlink("\(folder)/kept", "\(folder)/gone/link")
            try FolderRemoval.remove("\(folder)/gone")
            #expect(access("\(folder)/gone", F_OK) != 0)
            #expect(access("\(folder)/kept", F_OK) == 0)
        }
    }

    @Test func theDoctorSaysWhatIsWrong() {
        let found = [
            Diagnosis(invariant: "a", text: "one", violations: 0, examples: []),
            Diagnosis(invariant: "b", text: "two", violations: 7, examples: ["x", "y"]),
        ]
        #expect(
            DoctorCommand.lines(found, colours: false) == [
                "well   a: one", "WRONG  b: two", "         x", "         y", "         and 5 more",
            ]
        )
    }

    @Test func aProcessIsWellWhenItIsReadyAndProgresses() {
        func health(_ state: String, _ progressing: Bool?) -> ProcessHealth {
            ProcessHealth(
                name: "p",
                state: state,
                since: "",
                restarts: 0,
                pid: 1,
                isProgressing: progressing,
                trouble: nil
            )
        }
        #expect(health("ready", true).isWell)
        #expect(health("ready", nil).isWell)
        #expect(!health("ready", false).isWell)
        #expect(!health("restarting", nil).isWell)
    }
}
