extension WorkflowDocument {
    /// Everything wrong with the document as a whole; empty: it can be stored.
    package func problems() -> [DocumentProblem] {
        var problems: [DocumentProblem] = []
        func refuse(_ path: String, _ message: String) {
            problems.append(DocumentProblem(path: path, message: message))
        }

        if !Self.isName(self.name) {
            refuse("name", "\(self.name) is not a name: letters, digits, _ . - and at most 64 of them")
        }
        if self.tasks.isEmpty { refuse("tasks", "a workflow has at least one task") }
        for name in self.tasks.map(\.name).duplicates { refuse("tasks", "two tasks are named \(name)") }
        for name in (self.software ?? []).map(\.name).duplicates {
            refuse("software", "two packages are named \(name)")
        }
        for (position, package) in (self.software ?? []).enumerated() {
            if package.kind != "python" {
                refuse("software[\(position)].kind", "\(package.kind) is not known; known: python")
            }
            if !package.requirements.contains("--hash=") {
                refuse("software[\(position)].requirements", "holds no --hash: every requirement needs its hash")
            }
        }
        for (position, file) in (self.sandbox ?? []).enumerated() where !Self.isFileName(file.name) {
            refuse("sandbox[\(position)]", "\(file.name) is not a plain file name")
        }
        let size = (self.sandbox ?? []).reduce(0) { $0 + $1.text.utf8.count }
        if size > 256 * 1024 {
            refuse("sandbox", "holds \(size) bytes, the limit is 262144: put the files into a software package")
        }
        for (position, task) in self.tasks.enumerated() {
            problems += self.problems(of: task, path: "tasks[\(position)]")
        }
        if problems.isEmpty, let loop = self.cycle() {
            refuse("tasks", "they wait for each other: \(loop.joined(separator: " -> "))")
        }
        return problems
    }

    private func problems(of task: TaskTemplate, path: String) -> [DocumentProblem] {
        var problems: [DocumentProblem] = []
        func refuse(_ part: String, _ message: String) {
            problems.append(DocumentProblem(path: "\(path).\(part)", message: message))
        }
        func refuseMetadata(_ metadata: [String: Scalar]?, _ part: String) {
            for (name, value) in (metadata ?? [:]).sorted(by: { $0.key < $1.key }) {
                if !QuerySchema.isFreeName(name) {
                    refuse("\(part).\(name)", "is no name of a metadata field: small letters, digits and _")
                } else if let unknown = self.unknownParameter(in: value.text) {
                    refuse("\(part).\(name)", "${\(unknown)} is no parameter of the workflow")
                }
            }
        }
        if !Self.isName(task.name) {
            refuse("name", "\(task.name) is not a name: letters, digits, _ . - and at most 64 of them")
        }
        switch task.kind {
        case "generate":
            if task.events == nil || task.eventsPerJob == nil {
                refuse("kind", "a generate task needs events and eventsPerJob")
            }
            if !(task.inputs ?? []).isEmpty { refuse("inputs", "a generate task has no inputs") }
        case "process", "skim", "merge", "derive", "analyse":
            if (task.inputs ?? []).isEmpty { refuse("kind", "a \(task.kind) task needs inputs") }
        default:
            refuse("kind", "\(task.kind) is not known; known: generate, process, skim, merge, derive, analyse")
        }
        if task.kind != "merge" && task.kind != "analyse" {
            if task.filesPerJob != nil { refuse("filesPerJob", "is for tasks that merge or analyse") }
            if task.megabytesPerJob != nil { refuse("megabytesPerJob", "is for tasks that merge or analyse") }
        }
        if task.kind != "merge" {
            if task.flushAfter != nil { refuse("flushAfter", "is for merge tasks") }
        } else if task.flushAfter != nil, task.eventsPerJob == nil, task.filesPerJob == nil, task.megabytesPerJob == nil
        {
            refuse(
                "flushAfter",
                "needs eventsPerJob, filesPerJob or megabytesPerJob: without one the task waits for all and makes one file"
            )
        }
        if let fields = task.groupBy {
            if task.kind != "merge" && task.kind != "analyse" {
                refuse("groupBy", "is for tasks that merge or analyse")
            }
            if !(1...5).contains(fields.count) { refuse("groupBy", "names 1 to 5 fields") }
            for field in fields where !BuiltInField.isKey(field) && !QuerySchema.isFreeName(field) {
                let known = BuiltInField.keys.map(\.rawValue).joined(separator: ", ")
                refuse("groupBy", "\(field) is no field to group by: metadata fields, \(known)")
            }
        }
        if task.steps.isEmpty { refuse("steps", "a task has at least one step") }
        for name in task.steps.map(\.name).duplicates { refuse("steps", "two steps are named \(name)") }
        for (position, step) in task.steps.enumerated() {
            if !Self.isName(step.name) { refuse("steps[\(position)].name", "\(step.name) is not a name") }
            if step.command.isEmpty { refuse("steps[\(position)].command", "is empty") }
        }
        if task.outputs.isEmpty { refuse("outputs", "a task has at least one output") }
        for name in task.outputs.map(\.stream).duplicates { refuse("outputs", "two outputs are of stream \(name)") }
        for (position, output) in task.outputs.enumerated() {
            if !Self.isName(output.stream) { refuse("outputs[\(position)].stream", "\(output.stream) is not a name") }
            if !Self.isFileName(output.file) {
                refuse("outputs[\(position)].file", "\(output.file) is not a plain file name")
            }
        }
        for name in task.software ?? [] where !(self.software ?? []).contains(where: { $0.name == name }) {
            refuse("software", "\(name) is not among the workflow's software")
        }
        for (position, input) in (task.inputs ?? []).enumerated() {
            if let message = self.problem(of: input, in: task) { refuse("inputs[\(position)]", message) }
            if let query = input.query, let message = self.problem(ofQuery: query) {
                refuse("inputs[\(position)].query", message)
            }
        }
        refuseMetadata(task.metadata, "metadata")
        for (position, output) in task.outputs.enumerated() {
            refuseMetadata(output.metadata, "outputs[\(position)].metadata")
        }
        problems += self.variableProblems(of: task, path: path)
        let defaults = (self.parameters ?? [:]).compactMapValues { $0.default?.text }
        return problems + TaskBounds.problems(of: task, path: path, defaults: defaults)
    }

    private func problem(of input: InputTemplate, in task: TaskTemplate) -> String? {
        if (input.missingIn != nil) != (task.kind == "derive") {
            return task.kind == "derive"
                ? "a derive task says in missingIn which dataset lacks what it makes" : "missingIn is for derive tasks"
        }
        if task.kind == "derive", input.dataset == nil { return "a derive task reads a dataset" }
        let sources = [input.task, input.dataset, input.container, input.query].compactMap { $0 }
        guard sources.count == 1 else {
            return "names one of these: a task and its stream, a dataset, a container, a query"
        }
        guard let name = input.task else {
            return input.stream == nil ? nil : "only a task has a stream to choose"
        }
        guard let parent = self.tasks.first(where: { $0.name == name }) else { return "there is no task \(name)" }
        guard let stream = input.stream else { return "names task \(name) but no stream of it" }
        guard let output = parent.outputs.first(where: { $0.stream == stream }) else {
            return "task \(name) has no stream \(stream)"
        }
        // What a job reads are events: without any there is nothing to make jobs of, and nothing to count.
        if output.events == false { return "stream \(stream) of task \(name) holds no events: no job can read it" }
        return name == task.name ? "a task cannot read its own output" : nil
    }

    /// As far as it can be told without the catalogue, which knows the metadata fields; nothing while a parameter without a default
    /// is in it.
    private func problem(ofQuery query: String) -> String? {
        if let unknown = self.unknownParameter(in: query) { return "${\(unknown)} is no parameter of the workflow" }
        let defaults = (self.parameters ?? [:]).compactMapValues { $0.default?.text }
        let text = Variables.replace(in: query) { defaults[$0] }
        guard Variables.names(in: text).isEmpty else { return nil }
        do {
            try FileCondition.check(text)
            return nil
        } catch {
            return error.description
        }
    }

    /// A variable that the request does not give. Those of a job have no value yet.
    private func unknownParameter(in text: String) -> String? {
        Variables.names(in: text).first { self.parameters?[$0] == nil }
    }

    private func variableProblems(of task: TaskTemplate, path: String) -> [DocumentProblem] {
        let parameters = Set((self.parameters ?? [:]).keys)
        let job = Set(JobVariable.allCases.map(\.rawValue))
        var problems: [DocumentProblem] = []
        for name in parameters.intersection(job).sorted() {
            problems.append(
                DocumentProblem(path: "parameters.\(name)", message: "is the name of a job variable; choose another")
            )
        }
        for (position, step) in task.steps.enumerated() {
            for text in step.command + (step.environment ?? [:]).values {
                for name in Variables.names(in: text) where !parameters.contains(name) && !job.contains(name) {
                    problems.append(
                        DocumentProblem(
                            path: "\(path).steps[\(position)]",
                            message: "${\(name)} is neither a parameter nor a job variable"
                        )
                    )
                }
            }
        }
        return problems
    }

    /// A loop of tasks that wait for each other; nil: there is none.
    private func cycle() -> [String]? {
        var settled: Set<String> = []
        func visit(_ name: String, _ path: [String]) -> [String]? {
            if let start = path.firstIndex(of: name) { return Array(path[start...]) + [name] }
            if settled.contains(name) { return nil }
            let parents = self.tasks.first { $0.name == name }?.inputs?.compactMap(\.task) ?? []
            for parent in parents {
                if let loop = visit(parent, path + [name]) { return loop }
            }
            settled.insert(name)
            return nil
        }
        for task in self.tasks {
            if let loop = visit(task.name, []) { return loop }
        }
        return nil
    }

    /// What tasks, streams, samples and workflows may be called.
    package static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45
                    || byte == 46
                    || byte == 95
            }
    }

    private static func isFileName(_ text: String) -> Bool {
        let plain = Variables.replace(in: text) { _ in "x" }
        return self.isName(plain) && !plain.hasPrefix(".")
    }
}

extension Array where Element == String {
    fileprivate var duplicates: [String] {
        var seen: Set<String> = []
        return self.filter { !seen.insert($0).inserted }
    }
}
