import Glibc

/// A copy, look or removal that failed: at which end, doing what, of which kind.
package struct StorageError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which end is at fault.
    package enum Scope: String, Hashable, Sendable, CaseIterable {
        case source
        case destination
        /// Neither end alone: the request or what is between them.
        case transfer
    }

    /// What was being done.
    package enum Phase: String, Hashable, Sendable, CaseIterable {
        case open
        case read
        case write
        case verify
        case publish
        case delete
    }

    /// Of which kind it is, whatever the storage.
    package enum Class: String, Hashable, Sendable, CaseIterable {
        case missing
        case denied
        case full
        case corrupt
        /// The name is taken by other content.
        case exists
        case other

        init(errno code: CInt) {
            self =
                switch code {
                case ENOENT: .missing
                case EACCES, EPERM, EROFS, ELOOP, ENOTDIR: .denied
                case ENOSPC, EDQUOT, EFBIG: .full
                case EEXIST, ENOTEMPTY: .exists
                default: .other
                }
        }
    }

    package let scope: Scope
    package let phase: Phase
    package let `class`: Class
    /// The system's error number, if there was one.
    package let errno: CInt?
    /// One line: what, where, why.
    package let description: String
    /// Whether the same call may succeed later with nobody's help.
    package let isRetryable: Bool

    package init(
        scope: Scope,
        phase: Phase,
        class: Class,
        errno: CInt? = nil,
        description: String,
        isRetryable: Bool
    ) {
        self.scope = scope
        self.phase = phase
        self.class = `class`
        self.errno = errno
        self.description = description
        self.isRetryable = isRetryable
    }

    /// A failed system call.
    init(_ scope: Scope, _ phase: Phase, errno code: CInt, _ what: String) {
        let kind = Class(errno: code)
        self.init(
            scope: scope,
            phase: phase,
            class: kind,
            errno: code,
            description: "\(what): \(String(cString: strerror(code)))",
            isRetryable: kind == .full || kind == .other
        )
    }

    /// Content that is not what it must be. A bad source stays bad; a bad copy is made again.
    static func corrupt(_ scope: Scope, _ phase: Phase, _ what: String) -> StorageError {
        StorageError(scope: scope, phase: phase, class: .corrupt, description: what, isRetryable: scope != .source)
    }

    /// The same error, seen from the other end of a copy.
    func at(_ scope: Scope) -> StorageError {
        StorageError(
            scope: scope,
            phase: self.phase,
            class: self.class,
            errno: self.errno,
            description: self.description,
            isRetryable: self.class == .corrupt ? scope != .source : self.isRetryable
        )
    }
}
