import Glibc
import PrivateServers

/// A process that cannot be mistaken for a later one with its number.
package struct ProcessIdentity: Codable, Hashable, Sendable {
    package let pid: Int32
    /// When it started, in clock ticks since the machine did.
    package let startTicks: UInt64
    /// Which start of the machine that was.
    package let boot: String

    /// - Returns: nil if there is no such process (a zombie is none).
    package static func of(_ pid: Int32) -> ProcessIdentity? {
        guard pid > 1, let ticks = Self.startTicks(statLine: PrivateFiles.readIfAny("/proc/\(pid)/stat") ?? "") else {
            return nil
        }
        return ProcessIdentity(pid: pid, startTicks: ticks, boot: Self.currentBoot)
    }

    package var isAlive: Bool { Self.of(self.pid) == self }

    /// Sends a signal if it is still the same process.
    func signal(_ signal: Int32, group: Bool = false) {
        if self.isAlive { kill(group ? -self.pid : self.pid, signal) }
    }

    /// Waits for its end. Not a child of ours, so the kernel does not tell us.
    ///
    /// - Returns: false if it still lives after `limit`.
    func awaitEnd(_ limit: Duration) async throws -> Bool {
        let end = ContinuousClock.now + limit
        while self.isAlive {
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(20))
        }
        return true
    }

    /// Field 22 of `/proc/PID/stat`; nil for a zombie. The name (field 2) may hold blanks and brackets.
    ///
    /// A zombie with threads (field 20) is none yet: they still hold its files, its port among them.
    static func startTicks(statLine: String) -> UInt64? {
        guard let bracket = statLine.lastIndex(of: ")") else { return nil }
        let fields = statLine[statLine.index(after: bracket)...].split(separator: " ")
        guard fields.count > 19, let threads = Int(fields[17]) else { return nil }
        let hasEnded = fields[0] == "Z" || fields[0] == "X"
        return hasEnded && threads <= 1 ? nil : UInt64(fields[19])
    }

    private static let currentBoot: String = {
        let text = PrivateFiles.readIfAny("/proc/sys/kernel/random/boot_id") ?? ""
        return text.split(separator: "\n").first.map(String.init) ?? ""
    }()
}
