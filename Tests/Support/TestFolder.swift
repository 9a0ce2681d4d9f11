import Glibc
import NIOConcurrencyHelpers
import PrivateServers

/// Temporary folders that are removed when the test process ends.
package enum TestFolder {
    private static let folders = NIOLockedValueBox<[String]>([])
    private static let servers = NIOLockedValueBox<[@Sendable () -> Void]>([])

    /// Registers what ends a server that may still write to its folder; it must block until the server has ended.
    package static func beforeRemoval(_ end: @escaping @Sendable () -> Void) {
        self.servers.withLockedValue { $0.append(end) }
    }

    /// A fresh folder.
    ///
    /// - Throws: ``ServerError``.
    package static func make(_ purpose: String) throws -> String {
        let folder = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-\(purpose)")
        let isFirst = self.folders.withLockedValue { folders in
            folders.append(folder)
            return folders.count == 1
        }
        if isFirst { atexit { TestFolder.removeAll() } }
        return folder
    }

    private static func removeAll() {
        for end in self.servers.withLockedValue({ $0 }) { end() }
        for folder in self.folders.withLockedValue({ $0 }) { PrivateFiles.removeFolder(folder) }
    }
}
