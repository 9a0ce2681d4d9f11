import Catalog
import Messages

/// The answers about errors as tables, and below them what they do not count.
enum ErrorTables {
    /// One line when archived tasks are left out; none when nothing is.
    static func archived(_ answer: JSON) -> [String] {
        guard let tasks = answer["archived"].integer, tasks > 0 else { return [] }
        return tasks == 1
            ? ["1 archived task is not counted: millrace report counts it"]
            : ["\(tasks) archived tasks are not counted: millrace report counts them"]
    }

    /// One line when there are more rows than the answer has; none when these are all.
    static func cut(_ answer: JSON) -> [String] {
        let count = answer["items"].items.count
        guard let all = answer["items_total"].integer, all > count else { return [] }
        return [
            "these are the first \(count) of \(all) rows: ask for less with --since, or by something else with --by"
        ]
    }

    static func errors(
        _ answer: JSON,
        by: ErrorStatements.By,
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard !answer["items"].items.isEmpty else { return ["nothing failed"] + Self.archived(answer) }
        let rows = answer["items"].items.map { row -> JSON in
            guard case .group(var fields) = row else { return row }
            let job = ["task", "index", "attempt"].map { CellStyle.plain.text(row["sample"][$0]) }
            fields["sample"] = .text(job.joined(separator: "."))
            return .group(fields)
        }
        let names = by == .code || by == .fingerprint ? [Column("name")] : []
        let columns =
            [Column(by.rawValue)] + names + [
                Column("failures"), Column("jobs"), Column("lost_core_hours", .tenths), Column("top_site"),
                Column("sites"), Column("last", .time), Column("sample"),
            ]
        let total = answer["total"]
        let hours = CellStyle.tenths.text(total["lost_core_hours"])
        let failures = CellStyle.plain.text(total["failures"])
        let jobs = CellStyle.plain.text(total["jobs"])
        return Table(columns, rows: rows).lines(colours: colours)
            + ["", "\(failures) failures of \(jobs) jobs, \(hours) core hours lost"] + Self.archived(answer)
    }

    /// A column for each site, the worst first, in the colour of its success.
    static func matrix(
        _ answer: JSON,
        by: MatrixStatements.By,
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard !answer["items"].items.isEmpty else { return ["nothing ended"] + Self.archived(answer) }
        let sites = answer["sites"].items.compactMap { $0["site"].text }
        func row(_ row: JSON, _ cells: [JSON]) -> JSON {
            guard case .group(var fields) = row else { return row }
            fields["all"] = row
            for cell in cells { fields["at \(cell["site"].text ?? "")"] = cell }
            return .group(fields)
        }
        let rows = answer["items"].items.map { row($0, $0["cells"].items) }
        let heads = by == .task ? [Column("task"), Column("name")] : [Column("request"), Column("title")]
        let columns =
            heads + [Column("all", .success)] + sites.map { Column("at \($0)", .success, title: $0) }
        return Table(columns, rows: rows + [row(answer["total"], answer["sites"].items)]).lines(colours: colours)
            + Self.archived(answer)
    }

    static func efficiency(
        _ answer: JSON,
        by: EfficiencyStatements.By,
        colours: Bool = Terminal.hasColours
    ) -> [String] {
        guard !answer["items"].items.isEmpty else { return ["nothing ended"] + Self.archived(answer) }
        let names: [Column] =
            switch by {
            case .task: [Column("name")]
            case .request: [Column("title")]
            case .site, .day: []
            }
        let columns =
            [Column(by.rawValue)] + names + [
                Column("finished"), Column("failed"), Column("job_efficiency", .percent, title: "jobs"),
                Column("wall_efficiency", .percent, title: "wall time"),
                Column("cpu_efficiency", .percent, title: "CPU"),
                Column("wall_seconds_all", .seconds, title: "wall time in all"),
            ]
        return Table(columns, rows: answer["items"].items + [answer["total"]]).lines(colours: colours)
            + Self.archived(answer)
    }
}
