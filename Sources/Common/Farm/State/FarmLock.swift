import Glibc
import PrivateServers

/// The one farm of a state folder. The kernel takes the lock back when its holder ends, however it ends.
struct FarmLock: ~Copyable {
    private let descriptor: CInt

    /// - Throws: ``FarmError`` if another process holds it.
    init(_ layout: FarmLayout) throws {
        // Not inherited by the children: they must not hold the lock of a supervisor that was killed.
        let descriptor = open(layout.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw FarmFolder.explain(ServerError("cannot write \(layout.lock): \(PrivateFiles.reason())"), layout.state)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw FarmError(.alreadyRunning, Self.whereItIs(layout))
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    private static func whereItIs(_ layout: FarmLayout) -> String {
        let advice = "stop it with `millrace down`, or set MILLRACE_STATE to another folder for a second one"
        // Not there yet while the other one starts.
        guard let record = FarmRecord.readIfAny(layout) else {
            return "a farm is being started in \(layout.state): \(advice)"
        }
        return "a farm already runs in \(layout.state), process \(record.supervisor.pid), at \(record.url): \(advice)"
    }
}
