/// Pages that are written from the tables of this module; a test compares them with the files in `docs/`.
package enum Documentation {
    /// `docs/states.md`.
    package static var states: String {
        var text = """
            # States

            Written from the tables in `Sources/Common/Domain/States`, which the catalogue holds as rows and enforces: it refuses
            every other move. *Who* is the service that makes the move; `operator` is a person, through the gateway.


            """
        func section<State: StateMachine>(_ type: State.Type, _ title: String) {
            text += "## \(title)\n\n| from | to | who | when |\n|---|---|---|---|\n"
            for row in State.transitions {
                let movers = row.movers.map(\.rawValue).joined(separator: ", ")
                text += "| \(row.from?.rawValue ?? "–") | \(row.to.rawValue) | \(movers) | \(row.when) |\n"
            }
            let terminal = State.allCases.filter(\.isTerminal).map(\.rawValue).joined(separator: ", ")
            text += "\nTerminal: \(terminal.isEmpty ? "none" : terminal).\n\n"
        }
        section(RequestState.self, "Request")
        section(TaskState.self, "Task")
        section(JobState.self, "Job")
        section(AttemptState.self, "Attempt")
        section(TransferState.self, "Transfer")
        section(RegistrationState.self, "Registration of a file that was there before")
        section(DatasetState.self, "Dataset")
        section(SiteAccess.self, "Site")
        section(PlaceState.self, "Excluded node or site")
        text += "## What people can do to a request\n\n| action | in state | least role |\n|---|---|---|\n"
        for action in RequestAction.allCases {
            let states = action.allowedIn.map(\.rawValue).joined(separator: ", ")
            text += "| \(action.rawValue) | \(states) | \(action.role.rawValue) |\n"
        }
        return text
    }

    /// `docs/failure-codes.md`.
    package static var failureCodes: String {
        var text = """
            # Failure codes

            A failure is a list of (source, code, diagnostic). The first digit says what broke. Of several failures of one
            attempt the cause is the one with the lowest rank: its layer's, unless its row has another. *Blame* is whose fault
            it is unless a rule says otherwise; blame of payload, definition and data uses up one of the job's attempts, the
            others do not.

            | digit | layer | rank |
            |---|---|---|

            """
        for layer in FailureLayer.allCases { text += "| \(layer.rawValue)xxx | \(layer.name) | \(layer.rank) |\n" }
        text += "\n| code | name | rank | blame | meaning | what to do |\n|---|---|---|---|---|---|\n"
        for code in FailureCode.allCases {
            text += "| \(code.rawValue) | \(code.name) | \(code.rank) | \(code.blame.rawValue) "
            text += "| \(code.meaning) | \(code.remedy) |\n"
        }
        text += "\n## The first rules\n\nTried in this order; the first that fits decides. "
        text += "Every field of *fits* must fit; a pattern is searched in the diagnostic.\n\n"
        text += "### Whose fault it is\n\n| priority | rule | fits | blame | why |\n|---|---|---|---|---|\n"
        for rule in RuleSet.defaults.blame.sorted(by: { $0.precedes($1) }) {
            text +=
                "| \(rule.priority) | \(rule.name) | \(Self.text(rule.match)) | \(rule.blame.rawValue) | \(rule.why) |\n"
        }
        text += "\n### What is done\n\n| priority | rule | fits | action | how | why |\n|---|---|---|---|---|---|\n"
        for rule in RuleSet.defaults.action.sorted(by: { $0.precedes($1) }) {
            text += "| \(rule.priority) | \(rule.name) | \(Self.text(rule.match)) | \(rule.action.rawValue) "
            text += "| \(rule.parameters) | \(rule.why) |\n"
        }
        return text
    }

    private static func text(_ match: FailureMatch) -> String {
        // A bar would end the cell of the table.
        let text = "\(match)".replacing("|", with: "\\|")
        return text.isEmpty ? "everything" : text
    }
}
