/// Which statements a connection has prepared, so that the server reads, analyses and plans what is run often no more than it must.
///
/// Only what is run often is prepared: of what is run now and then, such as a sweep or the search of an operator, a plan made for the
/// tables as they are is worth more than the time it takes. For the same reason a statement is prepared anew after a minute: no plan is
/// older than that, however the tables have grown.
struct PreparedStatements {
    /// A text and the types of its parameters: with others it is another statement.
    struct Key: Hashable {
        let text: String
        let types: [UInt32]

        init(_ sql: SQL) {
            self.text = sql.text
            self.types = sql.parameters.map(\.type.oid)
        }
    }

    enum Use: Equatable {
        /// Sent with its text.
        case once
        /// Prepared under this name, and then run by it; what was prepared under the other name goes.
        case prepare(String, replacing: String?)
        /// Run by this name.
        case run(String)
    }

    private enum State {
        /// Run so often since then, each time with its text.
        case seen(Int, since: ContinuousClock.Instant)
        /// Sent to be prepared; the answer is not here yet.
        case underWay
        case ready(String, since: ContinuousClock.Instant)
    }

    /// The server keeps a plan of each, tens of kilobytes: far more than a service has statements.
    static let limit = 500
    /// What is run so often within this time is run often.
    static let often: Duration = .seconds(5)
    static let lifetime: Duration = .seconds(60)

    private let runs: Int
    private var states: [Key: State] = [:]
    private var preparedCount = 0
    private var lastName = 0

    /// - Parameter runs: how often a statement has to be run within ``often`` to be prepared.
    init(runs: Int) { self.runs = runs }

    /// How a statement is to be sent now. After ``Use/prepare(_:replacing:)`` one of ``isReady(_:as:at:)`` and ``failed(_:)`` is due.
    mutating func use(of key: Key, at now: ContinuousClock.Instant) -> Use {
        switch self.states[key] {
        case .ready(let name, let since):
            return since.duration(to: now) < Self.lifetime ? .run(name) : self.prepare(key, replacing: name)
        case .underWay: return .once
        case .seen(let count, let since) where since.duration(to: now) < Self.often:
            if count + 1 >= self.runs && self.preparedCount < Self.limit {
                self.preparedCount += 1
                return self.prepare(key, replacing: nil)
            }
            self.states[key] = .seen(count + 1, since: since)
            return .once
        case .seen, nil:
            // Texts that differ each time must not pile up: of very many, all are forgotten that are not prepared.
            if self.states.count >= 4 * Self.limit {
                self.states = self.states.filter { if case .seen = $0.value { false } else { true } }
            }
            self.states[key] = .seen(1, since: now)
            return .once
        }
    }

    private mutating func prepare(_ key: Key, replacing old: String?) -> Use {
        self.states[key] = .underWay
        self.lastName += 1
        return .prepare("s\(self.lastName)", replacing: old)
    }

    mutating func isReady(_ key: Key, as name: String, at now: ContinuousClock.Instant) {
        self.states[key] = .ready(name, since: now)
    }

    /// It was not prepared, or cannot be run as it was prepared: it begins anew.
    mutating func failed(_ key: Key) {
        switch self.states[key] {
        case .underWay, .ready:
            self.states[key] = nil
            self.preparedCount -= 1
        case .seen, nil: break
        }
    }
}
