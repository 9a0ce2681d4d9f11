/// Which statements one connection has prepared on the server, and when the plans kept for them are too old to be used again.
///
/// Reading and planning a statement costs the server more than running it when its batch is small. But a plan that was made while a
/// table was empty is a bad one an hour later, and only the age of the plans is known here: so they are used again for a short while
/// only, and then made anew from the tables as they are.
struct PreparedStatements {
    /// The same text with parameters of other types is another statement.
    struct Key: Hashable {
        let text: String
        let types: [UInt32]

        init(_ sql: SQL) {
            self.text = sql.text
            self.types = sql.parameters.map(\.type.oid)
        }
    }

    /// How a statement is to be sent.
    enum Manner: Hashable {
        /// With its text.
        case text
        /// Prepared under this name first.
        case prepare(name: String)
        /// By its name.
        case name(String)
    }

    private enum State {
        case seenOnce
        /// Sent, not answered: what is sent before the answer cannot rely on it.
        case preparing(name: String)
        case ready(name: String)
    }

    /// Texts that are remembered: what a service sends again and again is far less, and each costs the server memory.
    static let limit = 400

    private let maximumAge: Duration
    /// Of all names: behind a pooler, another connection's names may be in the same session.
    private let prefix: String
    private var states: [Key: State] = [:]
    private var lastNumber = 0
    private var oldest: ContinuousClock.Instant?

    /// - Parameters:
    ///   - maximumAge: of the plans.
    ///   - prefix: of the names; nobody else's.
    init(maximumAge: Duration, prefix: String = String(UInt64.random(in: 0 ... .max), radix: 36)) {
        self.maximumAge = maximumAge
        self.prefix = prefix
    }

    /// How to send a statement now. One that comes for the second time is worth preparing.
    mutating func manner(of key: Key) -> Manner {
        switch self.states[key] {
        case nil:
            if self.states.count < Self.limit { self.states[key] = .seenOnce }
            return .text
        case .seenOnce:
            // Never a name twice: one whose segment failed may be there or not.
            self.lastNumber += 1
            let name = "\(self.prefix).\(self.lastNumber)"
            self.states[key] = .preparing(name: name)
            return .prepare(name: name)
        case .preparing: return .text
        case .ready(let name): return .name(name)
        }
    }

    /// The server has answered, or skipped it. An answer about a name that was forgotten meanwhile changes nothing.
    mutating func prepared(_ key: Key, as name: String, _ isDone: Bool) {
        guard case .preparing(name) = self.states[key] else { return }
        self.states[key] = isDone ? .ready(name: name) : .seenOnce
    }

    /// The server does not know a name, or its result has other columns by now: everything is prepared anew.
    mutating func forget() { self.states = [:] }

    /// Whether the server is to drop its plans before it is asked anything more; true once in each ``maximumAge``.
    mutating func plansAreTooOld(at now: ContinuousClock.Instant) -> Bool {
        guard let oldest = self.oldest else {
            self.oldest = now
            return false
        }
        guard oldest.duration(to: now) >= self.maximumAge else { return false }
        self.oldest = now
        return true
    }
}
