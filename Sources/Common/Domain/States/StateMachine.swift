/// Who may move an entity. Each move belongs to one or more of them, and to nobody else.
package enum Mover: String, Sendable, CaseIterable {
    case scheduler
    case monitor
    case bookkeeper
    case transfer
    /// A person, through the gateway.
    case `operator`
}

/// One legal move. `from` is nil when the entity comes into being.
package struct Transition<State: StateMachine>: Sendable {
    package let from: State?
    package let to: State
    package let movers: [Mover]
    /// What happens, in a few words: the text of the generated state tables.
    package let when: String
}

/// A state that moves only along a table of legal transitions.
///
/// The table is data: the documentation is generated from it, and the catalogue holds the same rows in
/// `legal_transition` and refuses every other move.
package protocol StateMachine: RawRepresentable, CaseIterable, Hashable, Sendable, Codable where RawValue == String {
    /// The word for the entity in the transition log, such as `task`.
    static var kind: String { get }
    static var transitions: [Transition<Self>] { get }
    /// Work has ended here; only an operator's correction leads out.
    static var terminal: Set<Self> { get }
}

extension StateMachine {
    package var isTerminal: Bool { Self.terminal.contains(self) }

    package static func isLegal(from: Self?, to: Self) -> Bool {
        self.transitions.contains { $0.from == from && $0.to == to }
    }

    static func move(_ from: Self?, _ to: Self, _ movers: [Mover], _ when: String) -> Transition<Self> {
        Transition(from: from, to: to, movers: movers, when: when)
    }
}
