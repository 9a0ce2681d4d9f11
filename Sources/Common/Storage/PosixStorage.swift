import Glibc

/// Files below a folder of a mounted file system. Every call blocks.
///
/// No symbolic link below the base is followed: each folder of a name is opened relative to the one before.
package struct PosixStorage: Sendable {
    package let element: StorageElement
    /// For tests: called before each phase of a copy at its destination.
    let onPhase: (@Sendable (StorageError.Phase) -> Void)?

    package init(_ element: StorageElement) { self.init(element, onPhase: nil) }

    init(_ element: StorageElement, onPhase: (@Sendable (StorageError.Phase) -> Void)?) {
        self.element = element
        self.onPhase = onPhase
    }

    /// Stores a local file under a logical name.
    ///
    /// The final name appears only with all bytes in it, on disk and read back. If it is there already with the same
    /// content, that is success.
    ///
    /// - Parameters:
    ///   - token: of the lease under which this is done: makes the name of the unfinished copy, so that two tries never
    ///     meet. Letters, digits, `-` and `_`.
    ///   - expected: what the local file must be.
    /// - Returns: what was stored.
    package func store(
        localFile: String,
        as name: LogicalName,
        token: String,
        expected: FileExpectation = FileExpectation()
    ) throws(StorageError) -> StoredFile {
        let source = try Self.openFile(localFile, in: nil, .source, shown: localFile)
        let taking = Taking(token: token, expected: expected)
        return try self.take(source, shown: localFile, as: name, taking)
    }

    /// Copies a file of another storage element under the same rules as ``store(localFile:as:token:expected:)``.
    ///
    /// - Parameters:
    ///   - replacing: whether other content under the final name is known to be bad: the verified copy takes its place.
    ///   - mayPublish: asked right before the copy appears under its final name; false leaves nothing, and is an error. It must not block.
    package func copy(
        _ name: LogicalName,
        from other: PosixStorage,
        token: String,
        expected: FileExpectation = FileExpectation(),
        replacing: Bool = false,
        mayPublish: @escaping @Sendable () -> Bool = { true }
    ) throws(StorageError) -> StoredFile {
        let (source, shown) = try other.openStored(name, .source)
        let taking = Taking(token: token, expected: expected, isReplacing: replacing, mayPublish: mayPublish)
        return try self.take(source, shown: shown, as: name, taking)
    }

    /// Copies a stored file to a new local one, which is removed again if it is not as expected.
    ///
    /// - Throws: ``StorageError``; ``StorageError/Class/exists`` if there is a local file of that name.
    package func fetch(
        _ name: LogicalName,
        toLocalFile path: String,
        expected: FileExpectation = FileExpectation()
    ) throws(StorageError) -> StoredFile {
        let (source, shown) = try self.openStored(name, .source)
        let target = try Descriptor.open(path, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644) {
            StorageError(.destination, .open, errno: $0, "cannot create \(path)")
        }
        do throws(StorageError) {
            let copied = try Self.pour(source, shown, into: target, path)
            if let reason = expected.mismatch(copied) {
                throw StorageError.corrupt(.source, .verify, "\(shown) \(reason)")
            }
            return copied
        } catch {
            unlink(path)
            throw error
        }
    }

    /// Reads a stored file and compares it.
    ///
    /// - Returns: what is stored.
    /// - Throws: ``StorageError``; ``StorageError/Class/corrupt`` if it is not as expected.
    @discardableResult
    package func verify(
        _ name: LogicalName,
        expected: FileExpectation = FileExpectation()
    ) throws(StorageError)
        -> StoredFile
    {
        let (file, shown) = try self.openStored(name, .source)
        let stored = try file.drain { StorageError(.source, .read, errno: $0, "cannot read \(shown)") }
        if let reason = expected.mismatch(stored) { throw StorageError.corrupt(.source, .verify, "\(shown) \(reason)") }
        return stored
    }

    /// Size and time of a stored file; nil if there is none.
    package func facts(_ name: LogicalName) throws(StorageError) -> FileFacts? {
        do throws(StorageError) {
            let (file, shown) = try self.openStored(name, .source)
            let facts = try file.facts { StorageError(.source, .read, errno: $0, "cannot look at \(shown)") }
            return FileFacts(
                bytes: Int64(facts.st_size),
                modifiedNanoseconds: Int64(facts.st_mtim.tv_sec) * 1_000_000_000 + Int64(facts.st_mtim.tv_nsec)
            )
        } catch let error where error.class == .missing && error.phase == .open {
            // A missing base is a fault of the storage, not the absence of a file.
            _ = try self.openBase(.source)
            return nil
        }
    }

    /// The path of a stored file, for a program that reads it in place.
    ///
    /// - Throws: ``StorageError``, also for a name that leads through a symbolic link.
    package func path(_ name: LogicalName) throws(StorageError) -> String {
        _ = try self.openStored(name, .source)
        return self.shown(name)
    }

    /// Removes a stored file.
    ///
    /// - Returns: false if there was none.
    package func delete(_ name: LogicalName) throws(StorageError) -> Bool {
        let folder: Descriptor
        do throws(StorageError) {
            folder = try self.openFolder(name.folders, .destination, creating: false)
        } catch let error where error.class == .missing {
            _ = try self.openBase(.destination)
            return false
        }
        if unlinkat(folder.number, name.file, 0) == 0 { return true }
        let code = errno
        if code == ENOENT { return false }
        throw StorageError(.destination, .delete, errno: code, "cannot delete \(self.shown(name))")
    }

    func shown(_ name: LogicalName) -> String { self.element.base + name.description }
}

extension PosixStorage {
    func openBase(_ scope: StorageError.Scope) throws(StorageError) -> Descriptor {
        try Descriptor.open(self.element.base, flags: O_RDONLY | O_DIRECTORY) {
            StorageError(scope, .open, errno: $0, "cannot open \(self.element.base), the base of \(self.element.name)")
        }
    }

    /// Opens the folder of a name, component by component, making what is missing if asked.
    func openFolder(
        _ components: ArraySlice<String>,
        _ scope: StorageError.Scope,
        creating: Bool
    ) throws(StorageError) -> Descriptor {
        var folder = try self.openBase(scope)
        var shown = self.element.base
        for component in components {
            shown += "/" + component
            if creating {
                if mkdirat(folder.number, component, 0o755) == 0 {
                    try Self.sync(folder, shown)
                } else if errno != EEXIST {
                    throw StorageError(scope, .open, errno: errno, "cannot make the folder \(shown)")
                }
            }
            folder = try Descriptor.open(component, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) {
                StorageError(scope, .open, errno: $0, "cannot open the folder \(shown)")
            }
        }
        return folder
    }

    func openStored(_ name: LogicalName, _ scope: StorageError.Scope) throws(StorageError) -> (Descriptor, String) {
        let folder = try self.openFolder(name.folders, scope, creating: false)
        let shown = self.shown(name)
        return (try Self.openFile(name.file, in: folder, scope, shown: shown), shown)
    }

    static func openFile(
        _ path: String,
        in folder: Descriptor?,
        _ scope: StorageError.Scope,
        shown: String
    ) throws(StorageError) -> Descriptor {
        // O_NONBLOCK: a named pipe must not hold us up.
        let file = try Descriptor.open(path, in: folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK) {
            StorageError(scope, .open, errno: $0, "cannot open \(shown)")
        }
        let facts = try file.facts { StorageError(scope, .open, errno: $0, "cannot look at \(shown)") }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw StorageError(
                scope: scope,
                phase: .open,
                class: .denied,
                description: "\(shown) is not a regular file",
                isRetryable: false
            )
        }
        return file
    }

    static func pour(
        _ source: Descriptor,
        _ shownSource: String,
        into target: Descriptor,
        _ shownTarget: String
    ) throws(StorageError) -> StoredFile {
        try source.drain {
            StorageError(.source, .read, errno: $0, "cannot read \(shownSource)")
        } _: {
            bytes throws(StorageError) in
            try target.write(bytes) { StorageError(.destination, .write, errno: $0, "cannot write \(shownTarget)") }
        }
    }

    static func sync(_ folder: Descriptor, _ shown: String) throws(StorageError) {
        guard fsync(folder.number) == 0 else {
            throw StorageError(.destination, .publish, errno: errno, "cannot make \(shown) durable")
        }
    }
}
