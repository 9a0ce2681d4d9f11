import CStorageCalls
import Glibc

extension PosixStorage {
    /// Under which conditions a file is taken.
    struct Taking: Sendable {
        let token: String
        let expected: FileExpectation
        /// What has the final name with other content is known to be bad, and gives way.
        var isReplacing = false
        /// The last question before the copy has its final name.
        var mayPublish: @Sendable () -> Bool = { true }
    }

    /// Makes a stored file of an open one: copy, verify what was stored, publish.
    func take(
        _ source: Descriptor,
        shown: String,
        as name: LogicalName,
        _ taking: Taking
    ) throws(StorageError) -> StoredFile {
        try Self.check(taking.token)
        let expected = taking.expected
        let folder = try self.openFolder(name.folders, .destination, creating: true)
        if expected.adler32 != nil || expected.crc32c != nil, let stored = try self.stored(name, in: folder, taking),
            !taking.isReplacing || expected.mismatch(stored) == nil
        {
            return try self.same(stored, expected, name)
        }
        UnfinishedCopies.removeAbandoned(of: name, in: folder)
        let part = UnfinishedCopies.file(of: name, token: taking.token)
        let target = try self.createPart(part, in: folder, name)
        do throws(StorageError) {
            self.onPhase?(.write)
            let copied = try Self.pour(source, shown, into: target, self.shown(name))
            if let reason = expected.mismatch(copied) {
                throw StorageError.corrupt(.source, .verify, "\(shown) \(reason)")
            }
            guard fdatasync(target.number) == 0 else {
                throw StorageError(.destination, .write, errno: errno, "cannot write \(self.shown(name)) to disk")
            }
            self.onPhase?(.verify)
            try self.verify(part, in: folder, target, is: copied, name)
            self.onPhase?(.publish)
            guard taking.mayPublish() else { throw self.lateness(name) }
            try self.publish(part, in: folder, copied, name, taking)
            return copied
        } catch {
            unlinkat(folder.number, part, 0)
            throw error
        }
    }

    /// Creates the unfinished copy, locked for as long as it is open. One left by a try that died is removed; one that a
    /// living try holds is an error.
    private func createPart(
        _ part: String,
        in folder: Descriptor,
        _ name: LogicalName
    ) throws(StorageError)
        -> Descriptor
    {
        let shown = self.shown(name)
        for _ in 0..<3 {
            let number = openat(folder.number, part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
            if number >= 0 {
                let file = Descriptor(owning: number)
                // Somebody who removes abandoned copies may have had it before it was locked.
                if flock(number, LOCK_EX | LOCK_NB) == 0, UnfinishedCopies.isNamed(file) { return file }
                continue
            }
            let code = errno
            guard code == EEXIST else {
                throw StorageError(.destination, .open, errno: code, "cannot create an unfinished copy of \(shown)")
            }
            let old = try Descriptor.open(part, in: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK) {
                StorageError(.destination, .open, errno: $0, "cannot look at an older unfinished copy of \(shown)")
            }
            guard flock(old.number, LOCK_EX | LOCK_NB) == 0 else { break }
            unlinkat(folder.number, part, 0)
        }
        throw StorageError(
            scope: .destination,
            phase: .open,
            class: .exists,
            description: "another copy to \(shown) with the same token is under way",
            isRetryable: true
        )
    }

    /// Reads back what was stored, past the cache as far as the system allows.
    private func verify(
        _ part: String,
        in folder: Descriptor,
        _ target: Descriptor,
        is copied: StoredFile,
        _ name: LogicalName
    ) throws(StorageError) {
        // Advice: a file system that ignores it is read from the cache.
        _ = posix_fadvise(target.number, 0, 0, CInt(POSIX_FADV_DONTNEED))
        let file = try Self.openFile(part, in: folder, .destination, shown: self.shown(name))
        let stored = try file.drain {
            StorageError(.destination, .read, errno: $0, "cannot read back \(self.shown(name))")
        }
        if let reason = FileExpectation(copied).mismatch(stored) {
            throw StorageError.corrupt(.destination, .verify, "what was stored for \(self.shown(name)) \(reason)")
        }
    }

    private func publish(
        _ part: String,
        in folder: Descriptor,
        _ copied: StoredFile,
        _ name: LogicalName,
        _ taking: Taking
    ) throws(StorageError) {
        let shown = self.shown(name)
        switch Self.renameWithoutReplacing(part, to: name.file, in: folder) {
        case 0: break
        case EEXIST where taking.isReplacing:
            // In one step: a reader finds the bad file or the good one, and never none.
            guard renameat(folder.number, part, folder.number, name.file) == 0 else {
                throw StorageError(.destination, .publish, errno: errno, "cannot replace \(shown)")
            }
        case EEXIST:
            guard let stored = try self.stored(name, in: folder, taking) else {
                throw StorageError(.destination, .publish, errno: EEXIST, "cannot publish \(shown)")
            }
            _ = try self.same(stored, FileExpectation(copied), name)
            unlinkat(folder.number, part, 0)
        case let code: throw StorageError(.destination, .publish, errno: code, "cannot publish \(shown)")
        }
        try Self.sync(folder, shown)
    }

    /// - Returns: 0 or the error number.
    private static func renameWithoutReplacing(_ part: String, to name: String, in folder: Descriptor) -> CInt {
        if cstorage_rename_new(folder.number, part, name) == 0 { return 0 }
        let code = errno
        // Network file systems know no flags: a hard link refuses an existing name, too.
        guard code == EINVAL || code == ENOSYS else { return code }
        guard linkat(folder.number, part, folder.number, name, 0) == 0 else { return errno }
        return unlinkat(folder.number, part, 0) == 0 ? 0 : errno
    }

    /// What is there under the final name; nil: nothing, or, where it is known to be bad, something that cannot be read.
    private func stored(
        _ name: LogicalName,
        in folder: Descriptor,
        _ taking: Taking
    ) throws(StorageError)
        -> StoredFile?
    {
        let shown = self.shown(name)
        do throws(StorageError) {
            let file = try Self.openFile(name.file, in: folder, .destination, shown: shown)
            return try file.drain { StorageError(.destination, .read, errno: $0, "cannot read \(shown)") }
        } catch let error where error.class == .missing || taking.isReplacing && error.phase == .read {
            return nil
        }
    }

    private func same(
        _ stored: StoredFile,
        _ expected: FileExpectation,
        _ name: LogicalName
    ) throws(StorageError)
        -> StoredFile
    {
        guard let reason = expected.mismatch(stored) else { return stored }
        throw StorageError(
            scope: .destination,
            phase: .publish,
            class: .exists,
            errno: EEXIST,
            description: "\(self.shown(name)) exists with other content: it \(reason)",
            isRetryable: false
        )
    }

    /// The word to publish was taken back while the copy was made.
    private func lateness(_ name: LogicalName) -> StorageError {
        StorageError(
            scope: .transfer,
            phase: .publish,
            class: .other,
            description: "the copy to \(self.shown(name)) took longer than it may: its lease is over",
            isRetryable: true
        )
    }

    private static func check(_ token: String) throws(StorageError) {
        guard UnfinishedCopies.isToken(token.utf8) else {
            throw StorageError(
                scope: .transfer,
                phase: .open,
                class: .other,
                description: "the token of a copy must be 1 to 48 letters, digits, - or _",
                isRetryable: false
            )
        }
    }
}
