import ArgumentParser
import Messages

extension JobCommands {
    struct Why: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say why a job waits or why it failed, with numbers.")
        @OptionGroup var options: ShowOptions
        @OptionGroup var job: JobReference

        mutating func run() async throws {
            let why = try await GatewayClient.fromEnvironment().get(self.job.path() + "/why")
            try self.options.show(why, Self.lines(why))
        }

        static func lines(_ why: JSON, colours: Bool = Terminal.hasColours) -> [String] {
            let place = "job \(why["task"].integer ?? 0).\(why["index"].integer ?? 0)"
            let summary = why["summary"].text ?? "no reason is known"
            var lines = ["\(place) is \(why["state"].text ?? "unknown"): \(summary)"]
            if let changes = why["changes"].text { lines.append("that may change: \(changes)") }
            func section(_ title: String, _ text: [String]) {
                lines += ["", Tone.faint.paint(title, colours: colours)] + text.map { "  \($0)" }
            }
            if case .group(_) = why["class"] {
                section("it needs", Details.lines(why["class"], first: ["cores", "memory_mb"], colours: colours))
            }
            if case .group = why["waiting"] {
                let styles: [String: CellStyle] = ["not_before": .time]
                section("it waits in", Details.lines(why["waiting"], styles: styles, colours: colours))
                Self.agents(why, section, colours)
            }
            let attempts = why["attempts"].items
            if !attempts.isEmpty {
                section("its attempts", attempts.flatMap { Self.attempt($0, colours) })
            }
            return lines
        }

        /// Counted by reason, and each.
        private static func agents(_ why: JSON, _ section: (String, [String]) -> Void, _ colours: Bool) {
            let counts = [
                Column("reason"), Column("agents"), Column("sites"), Column("example"), Column("changes"),
            ]
            if !why["reasons"].items.isEmpty {
                let total = "\(why["agents_fitting"].integer ?? 0) of \(why["agents_total"].integer ?? 0) agents fit"
                section("\(total); why not", Table(counts, rows: why["reasons"].items).lines(colours: colours))
            }
            let columns = [
                Column("site"), Column("agent"), Column("state", .state), Column("access", .state), Column("room"),
                Column("last_seen", .time), Column("misfit"),
            ]
            guard !why["agents"].items.isEmpty else { return }
            section("agents", Table(columns, rows: why["agents"].items).lines(colours: colours))
        }

        /// What happened to one attempt, the evidence, and what was decided.
        private static func attempt(_ attempt: JSON, _ colours: Bool) -> [String] {
            func plain(_ field: String, _ style: CellStyle = .plain) -> String { style.text(attempt[field]) }
            let state = plain("state")
            let place = [attempt["site"].text, attempt["node"].text].compactMap { $0 }.joined(separator: "/")
            let wall = attempt["wall_seconds"] == .nothing ? "" : ", \(plain("wall_seconds", .seconds))"
            let shown = Tone(state: state).paint(state, colours: colours)
            var lines = ["\(plain("attempt")) \(shown) at \(place), leased \(plain("leased_at", .time))\(wall)"]
            func add(_ name: String, _ text: String?) {
                guard let text, !text.isEmpty else { return }
                let blanks = String(repeating: " ", count: 11 - name.count)
                lines.append("    " + Tone.faint.paint(name, colours: colours) + blanks + Table.oneLine(text))
            }
            if attempt["code"] != .nothing {
                let blame = attempt["blame"].text.map { " (blame: \($0))" } ?? ""
                add("failure", "\(plain("code")) \(attempt["name"].text ?? "") \(plain("diagnostic"))\(blame)")
            }
            for failure in attempt["failures"].items where attempt["failures"].items.count > 1 {
                add("evidence", "\(CellStyle.plain.text(failure["code"])) \(failure["diagnostic"].text ?? "")")
            }
            add("last line", attempt["log_line"].text)
            if attempt["late_code"] != .nothing {
                add("came back", "\(plain("late_at", .time)): \(plain("late_code")) \(plain("late_diagnostic"))")
            }
            if attempt["action"].text != nil { add("verdict", Self.verdict(attempt)) }
            return lines
        }

        /// `resubmit after 2026-11-21 02:01:10 by rule payload: failure 1 of 3 allowed; not at lyon`
        private static func verdict(_ attempt: JSON) -> String {
            let after = attempt["not_before"].text.map { " after \(CellStyle.time.text(.text($0)))" } ?? ""
            let rule = " by rule \(CellStyle.plain.text(attempt["rule"])): \(CellStyle.plain.text(attempt["reason"]))"
            let changes = CellStyle.plain.text(attempt["changes"], missing: "")
            let open = attempt["carried_out_at"] == .nothing ? "; not yet carried out" : ""
            return (attempt["action"].text ?? "") + after + rule + (changes.isEmpty ? "" : "; \(changes)") + open
        }
    }
}
