import Domain

/// How an agent finds out by its environment that it runs in a batch job, and in which. Each batch system has its own names.
extension BatchJob {
    /// Nil: none that is known. `JOB_ID` alone may be anybody's.
    ///
    /// - Parameters:
    ///   - environment: the agent's own.
    ///   - readFile: reads the file that HTCondor describes a job in; nil: it cannot be read.
    init?(environment: [String: String], readFile: (String) -> String? = { _ in nil }) {
        let variables = Variables(environment)
        let found =
            Self.slurm(variables) ?? Self.pbs(variables) ?? Self.lsf(variables) ?? Self.oar(variables)
            ?? Self.condor(variables, readFile) ?? Self.gridEngine(variables)
        guard let found else { return nil }
        self = found
    }

    private struct Variables {
        private let environment: [String: String]

        init(_ environment: [String: String]) { self.environment = environment }

        /// Nil: not there, or empty.
        subscript(_ name: String) -> String? { self.environment[name].flatMap { $0.isEmpty ? nil : $0 } }

        func number(_ name: String) -> String? { self[name].flatMap { BatchJob.isNumber($0) ? $0 : nil } }
    }

    private static func slurm(_ variables: Variables) -> BatchJob? {
        guard let id = variables["SLURM_JOB_ID"] else { return nil }
        let seconds = variables["SLURM_JOB_END_TIME"].flatMap(Double.init)
        let end = seconds.flatMap { (1...1e11).contains($0) ? Timestamp(microseconds: Int64($0 * 1e6)) : nil }
        var (whole, element) = (id, id)
        // Each element of an array has a number of its own, too; people and `squeue` know it by this one.
        if let array = variables["SLURM_ARRAY_JOB_ID"] {
            whole = array
            element = variables["SLURM_ARRAY_TASK_ID"].map { "\(array)_\($0)" } ?? id
        }
        let submission = Self.name("slurm", variables["SLURM_CLUSTER_NAME"], whole)
        return BatchJob(system: "slurm", id: id, end: end, submission: submission, element: element)
    }

    /// PBS and OpenPBS write `4711[3].server` for an element of an array, Torque that or `4711-3.server`.
    private static func pbs(_ variables: Variables) -> BatchJob? {
        guard let id = variables["PBS_JOBID"] else { return nil }
        let digits = id.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty else {
            return BatchJob(system: "pbs", id: id, submission: Self.name("pbs", nil, id), element: id)
        }
        var rest = id.dropFirst(digits.count)
        let marked = rest.prefix { $0 != "." }
        rest = rest.dropFirst(marked.count)
        let server = rest.dropFirst()
        let told = marked.filter { $0.isASCII && $0.isNumber }
        let index = told.isEmpty ? variables.number("PBS_ARRAY_INDEX") ?? variables.number("PBS_ARRAYID") : told
        return BatchJob(
            system: "pbs",
            id: id,
            submission: Self.name("pbs", server.isEmpty ? nil : String(server), String(digits)),
            element: index.map { "\(digits)[\($0)]" } ?? String(digits)
        )
    }

    /// An index of 0 is that of a job that is no array.
    private static func lsf(_ variables: Variables) -> BatchJob? {
        guard let id = variables["LSB_JOBID"] else { return nil }
        let index = variables.number("LSB_JOBINDEX").flatMap { $0.allSatisfy { $0 == "0" } ? nil : $0 }
        return BatchJob(
            system: "lsf",
            id: id,
            submission: Self.name("lsf", nil, id),
            element: index.map { "\(id)[\($0)]" } ?? id
        )
    }

    /// The elements of an array have numbers of their own here.
    private static func oar(_ variables: Variables) -> BatchJob? {
        guard let id = variables["OAR_JOB_ID"] else { return nil }
        let whole = variables["OAR_ARRAY_ID"] ?? id
        return BatchJob(system: "oar", id: id, submission: Self.name("oar", nil, whole), element: id)
    }

    /// What one `condor_submit` brings is a cluster of jobs; where it was brought to is in the name that a job has for all.
    private static func condor(_ variables: Variables, _ readFile: (String) -> String?) -> BatchJob? {
        let file = variables["_CONDOR_JOB_AD"]
        guard file != nil || variables["_CONDOR_SCRATCH_DIR"] != nil else { return nil }
        let unknown = BatchJob(system: "htcondor", id: variables["_CONDOR_SLOT"] ?? "of unknown number")
        guard let ad = file.flatMap(readFile) else { return unknown }
        // submit.host#4711.3#1700000000
        let parts = Self.attribute("GlobalJobId", of: ad)?.split(separator: "#", omittingEmptySubsequences: false) ?? []
        let numbers = parts.count >= 2 ? parts[1].split(separator: ".").map(String.init) : []
        let cluster = Self.attribute("ClusterId", of: ad) ?? numbers.first
        let process = Self.attribute("ProcId", of: ad) ?? (numbers.count == 2 ? numbers[1] : nil)
        guard let cluster, let process, Self.isNumber(cluster), Self.isNumber(process) else { return unknown }
        let host = parts.count >= 2 && !parts[0].isEmpty ? String(parts[0]) : nil
        return BatchJob(
            system: "htcondor",
            id: "\(cluster).\(process)",
            submission: Self.name("htcondor", host, cluster),
            element: "\(cluster).\(process)"
        )
    }

    /// `Name = value`, one a line; case does not matter, text is in quotes.
    private static func attribute(_ name: String, of ad: String) -> String? {
        for line in ad.split(whereSeparator: \.isNewline) {
            let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, Self.trim(sides[0]).lowercased() == name.lowercased() else { continue }
            let value = Self.trim(sides[1])
            let isQuoted = value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
            return isQuoted ? String(value.dropFirst().dropLast()) : String(value)
        }
        return nil
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text.drop(while: \.isWhitespace)
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }

    private static func gridEngine(_ variables: Variables) -> BatchJob? {
        guard let id = variables.number("JOB_ID"),
            ["SGE_TASK_ID", "SGE_ROOT", "PE"].contains(where: { variables[$0] != nil })
        else { return nil }
        // A job that is no array has the task `undefined`.
        let task = variables.number("SGE_TASK_ID")
        let cell = variables["SGE_CELL"].flatMap { $0 == "default" ? nil : $0 }
        return BatchJob(
            system: "gridengine",
            id: id,
            submission: Self.name("gridengine", variables["SGE_CLUSTER_NAME"] ?? cell, id),
            element: task.map { "\(id).\($0)" } ?? id
        )
    }

    private static func name(_ system: String, _ place: String?, _ whole: String) -> String {
        [system, place, whole].compactMap { $0 }.joined(separator: ":")
    }

    fileprivate static func isNumber(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) }
    }
}
