import Glibc
import PrivateServers
import Testing

@testable import Storage

@Suite("A posix storage element")
struct PosixStorageTests {
    private let name = LogicalName(unchecked: "/7/gen/events/0/12.5.1.json")

    @Test("keeps what is stored under its name, and nothing else")
    func stores() async throws {
        try await withFolder { folder in
            let bytes = pattern(700_001)
            write(bytes, to: folder + "/local")
            mkdir(folder + "/se", 0o755)
            let storage = posix(folder + "/se")
            let stored = try storage.store(localFile: folder + "/local", as: self.name, token: "t1")
            #expect(names(in: folder + "/se") == ["7/gen/events/0/12.5.1.json"])
            #expect(read(folder + "/se" + self.name.description) == bytes)
            #expect(stored.bytes == 700_001)
            #expect(try storage.verify(self.name, expected: FileExpectation(stored)) == stored)
            #expect(try storage.facts(self.name)?.bytes == 700_001)
            #expect(try storage.path(self.name) == folder + "/se/7/gen/events/0/12.5.1.json")
        }
    }

    @Test("copies between two elements and back to a local file")
    func copies() async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/local")
            for se in ["a", "b"] { mkdir("\(folder)/\(se)", 0o755) }
            let source = posix(folder + "/a")
            let stored = try source.store(localFile: folder + "/local", as: self.name, token: "t1")
            let target = posix(folder + "/b")
            let copied = try target.copy(self.name, from: source, token: "t2", expected: FileExpectation(stored))
            #expect(copied == stored)
            #expect(try target.fetch(self.name, toLocalFile: folder + "/back") == stored)
            #expect(read(folder + "/back") == pattern(100))
            let again = #expect(throws: StorageError.self) {
                try target.fetch(self.name, toLocalFile: folder + "/back")
            }
            #expect(again?.class == .exists && again?.scope == .destination)
        }
    }

    @Test("takes the same content twice, and refuses other content under the same name")
    func repeats() async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/one")
            write(pattern(101), to: folder + "/two")
            let storage = posix(folder)
            let stored = try storage.store(localFile: folder + "/one", as: self.name, token: "t1")
            for expected in [FileExpectation(), FileExpectation(stored)] {
                #expect(
                    try storage.store(localFile: folder + "/one", as: self.name, token: "t2", expected: expected)
                        == stored
                )
            }
            let error = #expect(throws: StorageError.self) {
                try storage.store(localFile: folder + "/two", as: self.name, token: "t3")
            }
            #expect(error?.class == .exists && error?.phase == .publish && error?.isRetryable == false)
            #expect(read(folder + self.name.description) == pattern(100))
            #expect(names(in: folder + "/7") == ["gen/events/0/12.5.1.json"])
        }
    }

    @Test("notices a source that is not as expected, and leaves nothing")
    func corruptSource() async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/local")
            let storage = posix(folder)
            for expected in [
                FileExpectation(bytes: 99), FileExpectation(adler32: "00000001"), FileExpectation(crc32c: "00000000"),
            ] {
                let error = #expect(throws: StorageError.self) {
                    try storage.store(localFile: folder + "/local", as: self.name, token: "t1", expected: expected)
                }
                #expect(error?.class == .corrupt && error?.scope == .source && error?.isRetryable == false)
                #expect(error?.phase == .verify)
            }
            #expect(names(in: folder) == ["local"])
        }
    }

    @Test("notices that what was stored is not what was read, and leaves nothing")
    func corruptDestination() async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/local")
            mkdir(folder + "/se", 0o755)
            let part = "\(folder)/se/7/gen/events/0/.12.5.1.json.t1.part"
            // A disk that loses a byte between the write and the read.
            let storage = PosixStorage(StorageElement(name: "DISK", base: folder + "/se")) { phase in
                if phase == .verify { write([0] + pattern(100).dropFirst().map { $0 ^ 1 }, to: part) }
            }
            let error = #expect(throws: StorageError.self) {
                try storage.store(localFile: folder + "/local", as: self.name, token: "t1")
            }
            #expect(error?.class == .corrupt && error?.scope == .destination && error?.isRetryable == true)
            #expect(names(in: folder + "/se") == [])
        }
    }

    @Test("a process killed before the rename leaves no final name, and the next try with its token works")
    func killed() async throws {
        let folder = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-storage")
        defer { PrivateFiles.removeFolder(folder) }
        write(pattern(100), to: folder + "/local")
        mkdir(folder + "/se", 0o755)
        let result = await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            let storage = PosixStorage(StorageElement(name: "DISK", base: folder + "/se")) { phase in
                if phase == .publish { kill(getpid(), SIGKILL) }
            }
            let name = try LogicalName("/7/gen/events/0/12.5.1.json")
            _ = try storage.store(localFile: folder + "/local", as: name, token: "t1")
        }
        #expect(result != nil)
        #expect(names(in: folder + "/se") == ["7/gen/events/0/.12.5.1.json.t1.part"])
        _ = try posix(folder + "/se").store(localFile: folder + "/local", as: self.name, token: "t1")
        #expect(names(in: folder + "/se") == ["7/gen/events/0/12.5.1.json"])
    }

    @Test("a full disk is told as such, and leaves nothing")
    func full() async throws {
        let folder = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-storage")
        defer { PrivateFiles.removeFolder(folder) }
        write(pattern(300_000), to: folder + "/local")
        mkdir(folder + "/se", 0o755)
        // The limit on the size of a file gives EFBIG where a full disk gives ENOSPC, without a mount.
        await #expect(processExitsWith: .success) { [folder = folder as String] in
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 65_536, rlim_max: .max)
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            do {
                let storage = posix(folder + "/se")
                _ = try storage.store(localFile: folder + "/local", as: LogicalName("/a/b"), token: "t1")
                exit(1)
            } catch let error as StorageError {
                let isRight = error.class == .full && error.phase == .write && error.scope == .destination
                exit(isRight && error.isRetryable && error.errno == EFBIG ? 0 : 2)
            }
        }
        #expect(names(in: folder + "/se") == [])
        #expect(StorageError.Class(errno: ENOSPC) == .full)
        #expect(StorageError.Class(errno: EDQUOT) == .full)
    }

    @Test("two copies with one token do not meet")
    func sameToken() async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/local")
            mkdir(folder + "/se", 0o755)
            let other = posix(folder + "/se")
            let storage = PosixStorage(StorageElement(name: "DISK", base: folder + "/se")) { phase in
                guard phase == .publish else { return }
                let error = #expect(throws: StorageError.self) {
                    try other.store(localFile: folder + "/local", as: LogicalName("/x"), token: "t1")
                }
                #expect(error?.class == .exists && error?.isRetryable == true)
            }
            _ = try storage.store(localFile: folder + "/local", as: LogicalName("/x"), token: "t1")
            #expect(names(in: folder + "/se") == ["x"])
        }
    }

    @Test("no symbolic link leads out of it")
    func links() async throws {
        try await withFolder { folder in
            mkdir(folder + "/se", 0o755)
            mkdir(folder + "/out", 0o755)
            write([1], to: folder + "/out/secret")
            symlink(folder + "/out", folder + "/se/link")
            symlink(folder + "/out/secret", folder + "/se/file")
            write([2], to: folder + "/local")
            let storage = posix(folder + "/se")
            for text in ["/link/secret", "/file"] {
                let name = try LogicalName(text)
                #expect(throws: StorageError.self) { try storage.verify(name) }
                #expect(throws: StorageError.self) { try storage.path(name) }
                #expect(throws: StorageError.self) {
                    try storage.store(localFile: folder + "/local", as: name, token: "t1")
                }
            }
            #expect(throws: StorageError.self) { try storage.delete(LogicalName("/link/secret")) }
            #expect(read(folder + "/out/secret") == [1])
            // The base itself may be a link: that is the administrator's choice.
            symlink(folder + "/se", folder + "/base")
            _ = try posix(folder + "/base").store(localFile: folder + "/local", as: LogicalName("/y"), token: "t1")
        }
    }

    @Test(
        "refuses names that could leave it",
        arguments: ["", "/", "a", "//a", "/a//b", "/a/", "/..", "/a/../b", "/./a", "/a\0b"]
    )
    func badNames(text: String) { #expect(throws: StorageError.self) { try LogicalName(text) } }

    @Test("refuses tokens that are not one path component", arguments: ["", "a/b", "..", "a b"])
    func badTokens(token: String) async throws {
        try await withFolder { folder in
            write([1], to: folder + "/local")
            #expect(throws: StorageError.self) {
                try posix(folder).store(localFile: folder + "/local", as: LogicalName("/x"), token: token)
            }
        }
    }

    @Test("tells a missing file from a missing base, and deletes once")
    func missing() async throws {
        try await withFolder { folder in
            let storage = posix(folder)
            #expect(try storage.facts(self.name) == nil)
            #expect(try storage.delete(self.name) == false)
            let error = #expect(throws: StorageError.self) { try storage.verify(self.name) }
            #expect(error?.class == .missing && error?.scope == .source && error?.isRetryable == false)
            let gone = posix(folder + "/gone")
            #expect(throws: StorageError.self) { try gone.facts(self.name) }
            #expect(throws: StorageError.self) { try gone.delete(self.name) }
            write([1], to: folder + "/local")
            _ = try storage.store(localFile: folder + "/local", as: self.name, token: "t1")
            #expect(try storage.delete(self.name))
            #expect(try storage.delete(self.name) == false)
        }
    }

    @Test("an empty file is stored as one")
    func empty() async throws {
        try await withFolder { folder in
            write([], to: folder + "/local")
            let stored = try posix(folder).store(localFile: folder + "/local", as: LogicalName("/x"), token: "t1")
            #expect(stored == StoredFile(bytes: 0, adler32: "00000001", crc32c: "00000000"))
        }
    }
}

extension LogicalName {
    init(unchecked text: String) {
        do { self = try LogicalName(text) } catch { preconditionFailure("\(error)") }
    }
}
