/// How a process ended: an exit code and a signal are never mixed.
enum ProcessEnd: Sendable, Equatable, Codable {
    case exited(Int)
    case signalled(Int)

    /// Whether it was ended by SIGKILL, itself or, by what its shell says, the program that it ran.
    var isKill: Bool { self == .signalled(9) || self == .exited(128 + 9) }

    /// Such as `exit code 3` or `signal 11 (SIGSEGV)`.
    var words: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .signalled(let number): "signal \(number) (\(SignalName.of(number)))"
        }
    }
}

/// The names of signals on Linux.
enum SignalName {
    private static let names = [
        1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 5: "TRAP", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 10: "USR1",
        11: "SEGV", 12: "USR2", 13: "PIPE", 14: "ALRM", 15: "TERM", 16: "STKFLT", 24: "XCPU", 25: "XFSZ", 31: "SYS",
    ]

    static func of(_ number: Int) -> String { "SIG" + (self.names[number] ?? String(number)) }
}
