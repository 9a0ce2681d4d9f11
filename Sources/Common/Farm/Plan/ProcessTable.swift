package import Foundation
import PrivateServers

/// How a process ended.
package enum ProcessExit: Codable, Hashable, Sendable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)

    init(_ exit: ServerProcess.Exit) {
        switch exit {
        case .status(let code): self = .code(code)
        case .signal(let signal): self = .signal(signal)
        }
    }

    package var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal)"
        }
    }
}

/// The processes of a farm, as its supervisor sees them.
package struct ProcessTable: Codable, Equatable, Sendable {
    package enum State: String, Codable, Sendable {
        /// Not its turn yet.
        case waiting
        case starting
        case ready
        /// It ended by itself, and is started again after a pause.
        case restarting
        case stopped
    }

    package struct Row: Codable, Equatable, Sendable {
        package let name: String
        package let log: String
        package fileprivate(set) var state: State
        /// When it came to this state.
        package fileprivate(set) var since: Date
        /// The process, then its helpers; none while there is none.
        package fileprivate(set) var processes: [ProcessIdentity] = []
        package fileprivate(set) var restarts = 0
        package fileprivate(set) var lastExit: ProcessExit?
        /// Why it is not up; nil once it is ready.
        package fileprivate(set) var problem: String?
    }

    /// In the order of their start.
    package private(set) var rows: [Row] = []
    /// All are up that were planned.
    package private(set) var isReady = false
    /// Those that are to stop and stay so.
    private var stopping: Set<String> = []
    /// The whole farm is to stop.
    package private(set) var isStopping = false

    package subscript(name: String) -> Row? { self.rows.first { $0.name == name } }

    func areReady(_ names: [String]) -> Bool { names.allSatisfy { self[$0]?.state == .ready } }

    /// Those of `names` that cannot be started.
    func problems(_ names: [String]) -> [Row] {
        self.rows.filter { names.contains($0.name) && $0.problem != nil }
    }

    mutating func add(_ name: String, log: String, at now: Date) {
        guard self[name] == nil else { return }
        self.rows.append(Row(name: name, log: log, state: .waiting, since: now))
    }

    mutating func starting(_ name: String, at now: Date) {
        self.change(name, to: .starting, at: now) { $0.processes = [] }
    }

    mutating func started(_ name: String, _ processes: [ProcessIdentity]) {
        self.change(name) { $0.processes = processes }
    }

    mutating func ready(_ name: String, at now: Date) {
        self.change(name, to: .ready, at: now) { $0.problem = nil }
    }

    /// It ended by itself, or could not be started.
    ///
    /// - Parameter problem: set if that is more than a single mishap.
    mutating func ended(_ name: String, _ exit: ProcessExit?, problem: String?, at now: Date) {
        self.change(name, to: .restarting, at: now) { row in
            row.processes = []
            row.restarts += 1
            row.lastExit = exit ?? row.lastExit
            row.problem = problem ?? row.problem
        }
    }

    mutating func stopped(_ name: String, _ exit: ProcessExit?, at now: Date) {
        self.change(name, to: .stopped, at: now) { row in
            row.processes = []
            row.lastExit = exit ?? row.lastExit
        }
    }

    /// It is to stop, and not to be started again.
    mutating func stop(_ name: String) { self.stopping.insert(name) }

    func isStopping(_ name: String) -> Bool { self.stopping.contains(name) }

    mutating func allReady() { self.isReady = true }

    mutating func stopAll() { self.isStopping = true }

    private mutating func change(
        _ name: String,
        to state: State? = nil,
        at now: Date? = nil,
        _ body: (inout Row) -> Void
    ) {
        guard let index = self.rows.firstIndex(where: { $0.name == name }) else { return }
        if let state, let now {
            self.rows[index].state = state
            self.rows[index].since = now
        }
        body(&self.rows[index])
    }
}
