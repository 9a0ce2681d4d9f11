import Glibc

/// Standard output and standard error.
enum Terminal {
    /// Standard output is looked at by a person.
    static let isInteractive = isatty(STDOUT_FILENO) == 1
    static let hasColours = Self.isInteractive && getenv("NO_COLOR") == nil

    /// Columns of the terminal; nil: it is none.
    static var width: Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    static func write(_ text: String) { self.write(text, to: STDOUT_FILENO) }

    /// One line to standard error.
    static func complain(_ line: String) { self.write(line + "\n", to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytes = bytes.dropFirst(count)
            } else if errno != EINTR {
                // Whoever read this is gone (a closed pipe): there is nobody to tell.
                CommandFailure.exit(status: CommandFailure.Kind.failed.rawValue)
            }
        }
    }
}

/// A colour of the terminal, by what it means.
enum Tone: String {
    case plain = ""
    case good = "32"
    case busy = "36"
    case warning = "33"
    case bad = "31"
    case faint = "2"

    func paint(_ text: String, colours: Bool = Terminal.hasColours) -> String {
        colours && self != .plain ? "\u{1b}[\(self.rawValue)m\(text)\u{1b}[0m" : text
    }

    /// How a success rate is shown: faint when it is of too few to mean much.
    ///
    /// - Parameters:
    ///   - percent: nil: there is none.
    ///   - attempts: so many the rate is of.
    init(success percent: Double?, of attempts: Int64) {
        guard let percent, attempts >= 10 else {
            self = .faint
            return
        }
        self = percent >= 80 ? .good : percent >= 50 ? .warning : .bad
    }

    /// How a state of anything is shown.
    init(state: String) {
        switch state {
        case "done", "finished", "closed", "available", "allowed", "here", "ready": self = .good
        case "running", "active", "approved", "leased", "scouting", "finishing", "queued", "copying", "open":
            self = .busy
        case "held", "paused", "recovering", "draining", "silent", "restarting", "starting", "resubmit": self = .warning
        case "failed", "aborted", "lost", "rejected", "banned", "bad", "abort", "pause", "gone": self = .bad
        case "cancelled", "stopped", "replaced", "deleting": self = .faint
        default: self = .plain
        }
    }
}
