import Domain

/// What decides whether a task may be archived.
struct ArchiveFacts: Sendable, Hashable {
    /// Where the task's rows are, when they are not where they were made.
    enum Place: String, Sendable {
        case archiving
        case archived
        case restoring
    }

    let task: Int64
    let name: String
    let request: Int64
    let title: String
    let state: TaskState
    let requestState: RequestState
    let place: Place?
    /// Jobs that have a row.
    let jobs: Int64
    /// Leased, or told to end and not heard of.
    let live: Int64
    /// Jobs that are not terminal, or whose verdict is not carried out.
    let open: Int64
    let openDataset: String?
    /// Files that were withdrawn and are still to be deleted.
    let garbage: Int64
    /// A task that has not ended and reads what this one made, or goes on with it.
    let reader: Int64?
    /// A task that has not ended and of which it read: what that made may still be withdrawn, and then it matters who read it.
    let source: Int64?
    /// Tasks that merged what this one made and are not archived.
    let mergers: [Int64]
    /// Tasks that it merged from and that are archived, or on their way there or back.
    let archivedSources: [Int64]

    private var label: String { "task \(self.task) (\(self.name))" }

    /// Why the task cannot be archived together with these; nil: it can, or is already.
    ///
    /// - Parameter others: the tasks that are asked for at the same time.
    func refusal(with others: Set<Int64>) -> String? {
        let name = self.label
        if self.place == .restoring { return "\(name) is being restored: wait until it is back" }
        if self.place != nil { return nil }
        if !self.state.isTerminal {
            return "\(name) is \(self.state.rawValue): only a task that has ended can be archived"
        }
        if !self.requestState.isTerminal {
            return
                "\(name) belongs to request \(self.request), which is \(self.requestState.rawValue): it must end first"
        }
        if self.live > 0 {
            return "\(name) has \(self.live) attempts that have not answered yet: wait for their agents"
        }
        if self.open > 0 {
            return "\(name) has \(self.open) jobs whose recovery is not finished: see millrace task check \(self.task)"
        }
        if let dataset = self.openDataset {
            return "\(name): its dataset \(dataset) is open: close it first (millrace dataset close \(dataset))"
        }
        if self.garbage > 0 {
            return "\(name): \(self.garbage) files withdrawn from it are still to be deleted: wait for Transfer"
        }
        if let reader = self.reader { return "\(name) is still read by task \(reader), which has not ended" }
        if let source = self.source { return "\(name) read what task \(source) made, which has not ended" }
        if let merger = self.mergers.first(where: { !others.contains($0) }) {
            return "\(name) was merged by task \(merger): archive that as well (millrace task archive \(merger))"
        }
        return nil
    }

    /// Why the task cannot be restored together with these; nil: it can.
    func restoreRefusal(with others: Set<Int64>) -> String? {
        guard let source = self.archivedSources.first(where: { !others.contains($0) }) else { return nil }
        return
            "\(self.label) merged what task \(source) made, which is archived: restore that as well (millrace task restore \(source))"
    }
}
