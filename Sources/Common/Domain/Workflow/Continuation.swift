/// Why a workflow cannot go on where a request stopped, in words for people.
package struct ContinuationProblem: Error, Sendable, Hashable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A task of a new version of a request, with what is left for it.
package struct ContinuedTask: Sendable, Hashable {
    /// As it is to be made: its events, the number of the first of them and its inputs are those of what is left.
    package let plan: TaskPlan
    /// Nil: no version before had one of this name, and it begins afresh.
    package let earlier: EarlierTask?
    /// Tasks of its own request that it reads.
    package let siblings: [String]
}

/// How a new version of a request does what the version before left undone, and nothing twice. Pure.
///
/// Tasks are matched by name. One without inputs makes the events that are left, with numbers that were never used. One with inputs reads
/// what it read, leaving out what winners of its earlier versions read, and also what earlier versions of its siblings wrote.
package enum Continuation {
    /// - Parameters:
    ///   - new: the tasks of the new workflow, with the new request's parameters.
    ///   - old: the tasks of the version before, and those of the new names that only versions before that one have, of each name the latest: what one
    ///     did counts, whoever left it out meanwhile.
    ///   - request: the version before, for the words.
    ///   - version: how many versions there are with the new one: part of the names of datasets that an earlier one filled.
    /// - Throws: ``ContinuationProblem`` for the first thing because of which the versions together would not be what was asked for.
    package static func tasks(
        _ new: [TaskPlan],
        after old: [EarlierTask],
        request: Int64,
        version: Int
    ) throws(ContinuationProblem) -> [ContinuedTask] {
        let earlier = Dictionary(old.map { ($0.plan.name, $0) }, uniquingKeysWith: { first, _ in first })
        for task in old where task.request == request && !new.contains(where: { $0.name == task.plan.name }) {
            guard Self.isFinished(task, earlier) else {
                throw ContinuationProblem(
                    "task \(task.plan.name) of request \(request) is not done and the new workflow has none of this name: what is left of it would never be done"
                )
            }
        }
        let filled = Set(old.flatMap { $0.outputs.values.flatMap { $0 } })
        var tasks: [ContinuedTask] = []
        for plan in new {
            var next = plan
            if let before = earlier[plan.name] {
                try Self.check(plan, before)
                next.continues = before.task
                if plan.inputs.isEmpty {
                    next.events = before.eventsLeft
                    next.firstEvent = before.firstEvent + (before.events ?? 0)
                } else if let most = before.events {
                    next.events = max(0, most - before.eventsDone)
                }
            } else if plan.inputs.isEmpty {
                throw ContinuationProblem(
                    "task \(plan.name) makes events and request \(request) has none of this name: they would come on top of what was asked for"
                )
            }
            next.inputs += try Self.written(for: plan, earlier)
            for index in next.outputs.indices where filled.contains(next.outputs[index].dataset) {
                next.outputs[index].dataset += ".v\(version)"
            }
            tasks.append(
                ContinuedTask(plan: next, earlier: earlier[plan.name], siblings: plan.inputs.compactMap(\.task))
            )
        }
        return tasks
    }

    /// Whether the earlier version did everything, as far as one can know.
    package static func isNothingLeft(_ tasks: [ContinuedTask]) -> Bool {
        tasks.allSatisfy { $0.earlier?.isComplete ?? false }
    }

    /// Nothing is left of the task nor of those it reads from.
    private static func isFinished(_ task: EarlierTask, _ all: [String: EarlierTask]) -> Bool {
        guard task.state == .done, task.isComplete else { return false }
        return task.plan.inputs.compactMap(\.task).allSatisfy { name in
            all[name].map { Self.isFinished($0, all) } ?? true
        }
    }

    private static func check(_ plan: TaskPlan, _ before: EarlierTask) throws(ContinuationProblem) {
        let (name, request) = ("task \(plan.name)", before.request)
        guard plan.kind == before.plan.kind else {
            throw ContinuationProblem(
                "\(name) is a \(plan.kind) task and in request \(request) a \(before.plan.kind) one: what that did is not what this would do"
            )
        }
        guard plan.inputs == before.plan.inputs else {
            throw ContinuationProblem(
                "\(name) reads something else than in request \(request): what that left unread would never be read"
            )
        }
        guard plan.events == before.plan.events else {
            throw ContinuationProblem(
                "\(name) is for \(Self.words(plan.events)), in request \(request) for \(Self.words(before.plan.events)): "
                    + "the number stays, the new version does what is left of it"
            )
        }
        guard before.files.half == 0 || ["process", "skim", "derive"].contains(plan.kind) else {
            throw ContinuationProblem(
                "\(name): \(before.files.half) files were read in part, the first is \(before.files.firstHalf ?? "unknown"); "
                    + "a \(plan.kind) task reads whole files and cannot go on in the middle of one"
            )
        }
    }

    private static func words(_ events: Int64?) -> String { events.map { "\($0) events" } ?? "all events" }

    /// What earlier versions of its siblings wrote, which the task has to read as well.
    private static func written(
        for plan: TaskPlan,
        _ earlier: [String: EarlierTask]
    ) throws(ContinuationProblem) -> [InputTemplate] {
        var inputs: [InputTemplate] = []
        for input in plan.inputs {
            guard let task = input.task, let stream = input.stream, let before = earlier[task] else { continue }
            let datasets = before.outputs[stream] ?? []
            guard !datasets.isEmpty || before.eventsDone == 0 else {
                throw ContinuationProblem(
                    "task \(plan.name) reads stream \(stream) of \(task), which request \(before.request) did not write: "
                        + "the \(before.eventsDone) events that it did would be missing"
                )
            }
            inputs += datasets.map { InputTemplate(dataset: $0) }
        }
        return inputs
    }
}

extension ContinuedTask {
    /// What was done and what is left, in one line. - Parameter request: the version before.
    package func line(after request: Int64) -> String {
        var name = "task \(self.plan.name) (\(self.plan.kind))"
        guard let earlier else { return "\(name): request \(request) has none of this name; it reads everything" }
        if earlier.request != request { name += ", as request \(earlier.request) left it" }
        if self.plan.inputs.isEmpty {
            let total = earlier.events ?? 0
            let rest =
                earlier.eventsLeft > 0
                ? "\(earlier.eventsLeft) are left, numbered from \(self.plan.firstEvent)" : "none is left"
            return "\(name): \(earlier.eventsDone) of \(total) events are made, \(rest)"
        }
        let files = earlier.files
        let half = files.half > 0 ? ", \(files.half) half" : ""
        let isAnyLeft = earlier.eventsLeft > 0
        let rest =
            isAnyLeft ? "\(files.count - files.read) files with \(earlier.eventsLeft) events are left" : "none is left"
        let makers = self.siblings.joined(separator: ", ")
        let coming = makers.isEmpty ? "" : "\(isAnyLeft ? ", and" : " but") what \(makers) will make"
        let lost = files.lost > 0 ? "; \(files.lost) events are lost with their inputs" : ""
        return
            "\(name): \(files.read) of \(files.count) files are read\(half), \(files.eventsRead) of \(files.events) events; \(rest)\(coming)\(lost)"
    }
}
