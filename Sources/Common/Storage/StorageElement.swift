/// A place where files are kept under logical names.
package struct StorageElement: Hashable, Sendable {
    /// How it is reached.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A folder of a mounted file system.
        case posix
    }

    /// As the catalogue calls it.
    package var name: String
    package var kind: Kind
    /// The absolute path under which the logical names begin. It must exist; it may itself be a symbolic link.
    package var base: String

    package init(name: String, kind: Kind = .posix, base: String) {
        self.name = name
        self.kind = kind
        self.base = base
    }
}

/// A logical file name that is safe to use as a path below a base: `/one/two/name.ext`.
package struct LogicalName: Hashable, Sendable, CustomStringConvertible {
    /// At least one; none is empty, `.` or `..`, or holds a zero byte.
    package let components: [String]

    /// The longest name of one component that Linux file systems take, less what a `.part` name adds.
    private static let componentLimit = 200

    /// - Parameter text: begins with one slash.
    /// - Throws: ``StorageError`` of class ``StorageError/Class/other`` for anything that could leave the base.
    package init(_ text: String) throws(StorageError) {
        func refuse(_ reason: String) -> StorageError {
            StorageError(
                scope: .transfer,
                phase: .open,
                class: .other,
                description: "the logical name \(text.debugDescription) \(reason)",
                isRetryable: false
            )
        }
        guard text.utf8.first == UInt8(ascii: "/") else { throw refuse("does not begin with a slash") }
        let components = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String($0) ?? "" }
        for component in components {
            guard !component.isEmpty else { throw refuse("has an empty component") }
            guard component != ".", component != ".." else { throw refuse("has a component \(component)") }
            guard !component.utf8.contains(0) else { throw refuse("has a zero byte") }
            guard component.utf8.count <= Self.componentLimit else {
                throw refuse("has a component longer than \(Self.componentLimit) bytes")
            }
        }
        self.components = components
    }

    /// The last component.
    package var file: String { self.components[self.components.count - 1] }
    package var folders: ArraySlice<String> { self.components.dropLast() }
    package var description: String { "/" + self.components.joined(separator: "/") }
}

/// What is known about a stored file.
package struct StoredFile: Hashable, Sendable {
    package var bytes: Int64
    /// 8 lower-case hex digits.
    package var adler32: String
    /// 8 lower-case hex digits.
    package var crc32c: String

    package init(bytes: Int64, adler32: String, crc32c: String) {
        self.bytes = bytes
        self.adler32 = adler32
        self.crc32c = crc32c
    }
}

/// What a file must be; nil: not known.
package struct FileExpectation: Hashable, Sendable {
    package var bytes: Int64?
    /// 8 lower-case hex digits.
    package var adler32: String?
    /// 8 lower-case hex digits.
    package var crc32c: String?

    package init(bytes: Int64? = nil, adler32: String? = nil, crc32c: String? = nil) {
        self.bytes = bytes
        self.adler32 = adler32
        self.crc32c = crc32c
    }

    package init(_ file: StoredFile) {
        self.init(bytes: file.bytes, adler32: file.adler32, crc32c: file.crc32c)
    }

    /// The first difference, in words; nil: the file is as expected.
    package func mismatch(_ file: StoredFile) -> String? {
        if let bytes = self.bytes, bytes != file.bytes { return "has \(file.bytes) bytes, expected \(bytes)" }
        if let adler32 = self.adler32, adler32 != file.adler32 {
            return "has adler32 \(file.adler32), expected \(adler32)"
        }
        if let crc32c = self.crc32c, crc32c != file.crc32c { return "has crc32c \(file.crc32c), expected \(crc32c)" }
        return nil
    }
}

/// What a look at a file's entry tells.
package struct FileFacts: Hashable, Sendable {
    package var bytes: Int64
    /// Of the last change of its content, since 1970.
    package var modifiedNanoseconds: Int64

    package init(bytes: Int64, modifiedNanoseconds: Int64) {
        self.bytes = bytes
        self.modifiedNanoseconds = modifiedNanoseconds
    }
}
