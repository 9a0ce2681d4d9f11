import Glibc

/// An open file or folder, closed with its last reference.
final class Descriptor: Sendable {
    let number: CInt

    init(owning number: CInt) { self.number = number }

    deinit { close(self.number) }

    /// Opens `path` (relative to `folder`, if given), again when interrupted.
    static func open(
        _ path: String,
        in folder: Descriptor? = nil,
        flags: CInt,
        mode: mode_t = 0,
        failing error: (CInt) -> StorageError
    ) throws(StorageError) -> Descriptor {
        while true {
            let number = openat(folder?.number ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
            if number >= 0 { return Descriptor(owning: number) }
            let code = errno
            if code != EINTR { throw error(code) }
        }
    }

    /// Fills `buffer` from here as far as there are bytes; 0 at the end.
    func read(
        into buffer: UnsafeMutableRawBufferPointer,
        failing error: (CInt) -> StorageError
    ) throws(StorageError)
        -> Int
    {
        while true {
            let count = Glibc.read(self.number, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            let code = errno
            if code != EINTR { throw error(code) }
        }
    }

    /// Writes all of `buffer`.
    func write(_ buffer: UnsafeRawBufferPointer, failing error: (CInt) -> StorageError) throws(StorageError) {
        var rest = buffer
        while !rest.isEmpty {
            let count = Glibc.write(self.number, rest.baseAddress, rest.count)
            if count > 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            } else {
                let code = errno
                if code != EINTR { throw error(code) }
            }
        }
    }

    /// The checksums and size of what is left to read, passing each piece on.
    func drain(
        failing error: (CInt) -> StorageError,
        _ piece: (UnsafeRawBufferPointer) throws(StorageError) -> Void = { _ in }
    ) throws(StorageError) -> StoredFile {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        var sum = RunningChecksum()
        while true {
            let count = try self.read(into: buffer, failing: error)
            if count == 0 { return sum.file }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            sum.update(bytes)
            try piece(bytes)
        }
    }

    func facts(failing error: (CInt) -> StorageError) throws(StorageError) -> stat {
        var facts = stat()
        guard fstat(self.number, &facts) == 0 else { throw error(errno) }
        return facts
    }
}
