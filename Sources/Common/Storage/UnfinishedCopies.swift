import Glibc

/// Files that are being written beside their final name: `.<name>.<token>.part`, locked for as long as their try lives.
enum UnfinishedCopies {
    static func file(of name: LogicalName, token: String) -> String { ".\(name.file).\(token).part" }

    /// Whether this may be the token of a copy: letters, digits, `-` and `_`, so that it is one part of a file's name, without a dot.
    static func isToken(_ token: some Collection<UInt8>) -> Bool {
        (1...48).contains(token.count)
            && token.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }

    /// Whether `file` is called so by a copy of `name`, by bytes: two spellings of one letter are two names.
    static func isCopy(_ file: String, of name: LogicalName) -> Bool {
        let (before, after) = (Array(".\(name.file).".utf8), Array(".part".utf8))
        let bytes = Array(file.utf8)
        guard bytes.count > before.count + after.count, bytes.starts(with: before),
            bytes.suffix(after.count).elementsEqual(after)
        else { return false }
        return Self.isToken(bytes[before.count..<bytes.count - after.count])
    }

    /// Removes what tries that died have left of a name. What a living one holds stays, and so does what cannot be looked at.
    static func removeAbandoned(of name: LogicalName, in folder: Descriptor) {
        for file in Self.names(in: folder) where Self.isCopy(file, of: name) { Self.removeAbandoned(file, in: folder) }
    }

    /// Whether a file that was just created has a name still.
    static func isNamed(_ file: Descriptor) -> Bool {
        var facts = stat()
        return fstat(file.number, &facts) == 0 && facts.st_nlink > 0
    }

    private static func removeAbandoned(_ file: String, in folder: Descriptor) {
        // For writing: network file systems give no lock otherwise. O_NONBLOCK: a named pipe must not hold us up.
        let number = openat(folder.number, file, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { return }
        let old = Descriptor(owning: number)
        var (held, named) = (stat(), stat())
        guard fstat(number, &held) == 0, held.st_mode & S_IFMT == S_IFREG, flock(number, LOCK_EX | LOCK_NB) == 0 else {
            return
        }
        // The lock is of what was opened: under that name there may be another one by now.
        guard fstatat(folder.number, file, &named, AT_SYMLINK_NOFOLLOW) == 0, named.st_dev == held.st_dev,
            named.st_ino == held.st_ino
        else { return }
        unlinkat(folder.number, file, 0)
        withExtendedLifetime(old) {}
    }

    /// Everything in a folder; nothing if it cannot be read.
    private static func names(in folder: Descriptor) -> [String] {
        let number = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return [] }
        guard let stream = fdopendir(number) else {
            close(number)
            return []
        }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            found.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            )
        }
        return found
    }
}
