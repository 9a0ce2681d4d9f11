import Glibc
import Testing

@testable import Storage

/// What becomes of names that are taken, of copies that come too late, and of what dead tries have left.
@Suite("Taking a file")
struct TakeTests {
    private let name = LogicalName(unchecked: "/mc/a.dat")

    /// A storage element with a good file, and one with a bad file of the same name.
    private func withElements(
        _ body: (_ folder: String, _ good: PosixStorage, _ expected: FileExpectation) throws -> Void
    ) async throws {
        try await withFolder { folder in
            write(pattern(100), to: folder + "/local")
            for path in ["a", "b", "b/mc"] { mkdir("\(folder)/\(path)", 0o755) }
            let good = posix(folder + "/a")
            let stored = try good.store(localFile: folder + "/local", as: self.name, token: "t1")
            try body(folder, good, FileExpectation(stored))
        }
    }

    @Test("what is known to be bad gives way to the verified copy, and to nothing else")
    func replaces() async throws {
        try await self.withElements { folder, good, expected in
            let path = folder + "/b" + self.name.description
            write(pattern(99), to: path)
            let target = posix(folder + "/b")
            let refused = #expect(throws: StorageError.self) {
                try target.copy(self.name, from: good, token: "t2", expected: expected)
            }
            #expect(refused?.class == .exists)
            // A source that is bad as well takes no place.
            let wrong = #expect(throws: StorageError.self) {
                try target.copy(
                    self.name,
                    from: good,
                    token: "t3",
                    expected: FileExpectation(bytes: 98, adler32: "00000001"),
                    replacing: true
                )
            }
            #expect(wrong?.class == .corrupt && wrong?.scope == .source)
            #expect(read(path) == pattern(99))
            for known in [expected, FileExpectation()] {
                write(pattern(99), to: path)
                _ = try target.copy(self.name, from: good, token: "t4", expected: known, replacing: true)
                #expect(read(path) == pattern(100))
            }
            #expect(names(in: folder + "/b") == ["mc/a.dat"])
        }
    }

    @Test("no link is followed to what is replaced")
    func links() async throws {
        try await self.withElements { folder, good, expected in
            write([1], to: folder + "/secret")
            symlink(folder + "/secret", folder + "/b" + self.name.description)
            #expect(throws: StorageError.self) {
                try posix(folder + "/b").copy(self.name, from: good, token: "t2", expected: expected, replacing: true)
            }
            #expect(read(folder + "/secret") == [1])
        }
    }

    @Test("a copy that may not be published any more leaves nothing")
    func late() async throws {
        try await self.withElements { folder, good, expected in
            let target = posix(folder + "/b")
            let error = #expect(throws: StorageError.self) {
                try target.copy(self.name, from: good, token: "t2", expected: expected, mayPublish: { false })
            }
            #expect(error?.phase == .publish && error?.scope == .transfer && error?.isRetryable == true)
            #expect(names(in: folder + "/b") == [])
        }
    }

    @Test("what dead tries have left of a name goes with the next try, and nothing else")
    func abandoned() async throws {
        try await self.withElements { folder, good, expected in
            let parts = [
                ".a.dat.dead.part", ".a.dat.alive.part", ".a.dat.b.dead.part", ".a.dat..part", ".b.dat.dead.part",
                "a.dat.dead.part",
            ]
            for part in parts { write([1], to: "\(folder)/b/mc/\(part)") }
            symlink(folder + "/local", "\(folder)/b/mc/.a.dat.link.part")
            let alive = open("\(folder)/b/mc/.a.dat.alive.part", O_RDWR)
            defer { close(alive) }
            #expect(flock(alive, LOCK_EX | LOCK_NB) == 0)
            _ = try posix(folder + "/b").copy(self.name, from: good, token: "t2", expected: expected)
            let left = (parts.dropFirst() + [".a.dat.link.part", "a.dat"]).map { "mc/\($0)" }
            #expect(names(in: folder + "/b") == left.sorted())
            #expect(read(folder + "/local") == pattern(100))
        }
    }
}
