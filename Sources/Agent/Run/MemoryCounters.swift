import Glibc
import NIOConcurrencyHelpers

/// Reads the kernel's counters of memory before and after each step of this agent.
final class MemoryCounters: Sendable {
    /// One step's look at the counters.
    struct Mark: Sendable {
        fileprivate var number: Int
        fileprivate var group: ControlGroup?
        fileprivate var before: MemoryEvents?
    }

    private struct State {
        var next = 0
        /// Steps that run, and whether each has always been alone.
        var running: [Int: Bool] = [:]
    }

    private let state = NIOLockedValueBox(State())

    /// Before a step begins.
    ///
    /// - Parameter process: one of the step's control group; the agent, whose group its children are in.
    func begin(group process: pid_t = getpid()) -> Mark {
        let number = self.state.withLockedValue { state in
            state.next += 1
            for other in state.running.keys { state.running[other] = false }
            state.running[state.next] = state.running.isEmpty
            return state.next
        }
        let group = Self.text("/proc/\(process)/cgroup").flatMap { groups in
            Self.text("/proc/self/mountinfo").flatMap { ControlGroup(groups: groups, mounts: $0) }
        }
        return Mark(number: number, group: group, before: group?.events(read: Self.text))
    }

    /// After it has ended.
    func end(_ mark: Mark) -> (before: MemoryEvents?, after: MemoryEvents?, isAlone: Bool) {
        let isAlone = self.state.withLockedValue { $0.running.removeValue(forKey: mark.number) ?? false }
        return (mark.before, mark.group?.events(read: Self.text), isAlone)
    }

    /// Nil: it is not there, or not for us: then there is no evidence, and nothing is wrong.
    private static func text(_ path: String) -> String? {
        FileTree.read(path, limit: 1 << 20).map { String(decoding: $0, as: UTF8.self) }
    }
}
