extension FailureCode {
    /// A stable short name, for tables and rules: the case's own.
    package var name: String { String(describing: self) }

    /// What happened, in one sentence.
    package var meaning: String { self.facts.meaning }

    /// What an operator does about it, in one sentence.
    package var remedy: String { self.facts.remedy }

    /// Whose fault it is unless a rule says otherwise.
    package var blame: Blame { self.facts.blame }

    /// What broke: the first digit.
    package var layer: FailureLayer? { FailureLayer(rawValue: self.rawValue / 1000) }

    /// Which of several failures of one attempt explains the others: the lower rank. The layer's, unless the code's
    /// row has its own.
    package var rank: Int { self.facts.rank ?? self.layer?.rank ?? Int.max }

    /// The code for a process that was ended by a signal of Linux; ``payloadSignal`` for one that has no code of its
    /// own.
    package static func signal(_ number: Int) -> FailureCode {
        guard (1...64).contains(number) else { return .payloadSignal }
        return FailureCode(rawValue: 1100 + number) ?? .payloadSignal
    }

    private var facts: FailureFacts {
        // A test demands a row for each case; a code without one is still a code.
        FailureCodes.facts[self] ?? FailureFacts(self, "Not described.", do: "Report it.", .infrastructure)
    }
}
