import Catalog
import Domain
import Messages

/// What becomes of a manifest whose attempt is not live.
enum Lateness: Sendable, Equatable {
    /// It came before, and was accepted or refused then; or the attempt is archived, and nothing is noted with it any more.
    case again
    /// The attempt ended without it: this is noted with the attempt, whose verdict was given when it ended and stays the only one.
    case late(Failure)
    /// Nothing that the sender could know of: no such attempt, or another's.
    case stranger(String)
}

extension AcceptancePolicy {
    /// Pure and total, as the judgement is.
    func late(_ item: FinishedItem, site: String) -> Lateness {
        let key = item.name.key
        guard let end = self.facts.ends[key] else { return .stranger("there is no attempt \(key)") }
        guard end.site == site else { return .stranger("attempt \(key) is not of site \(site)") }
        guard end.token == item.name.token.lowercased() else {
            return .stranger("its token is not that of attempt \(key)")
        }
        guard let state = end.state else { return .stranger("attempt \(key) is live under another lease") }
        if state == .done || end.isRefused || end.isArchived { return .again }
        let code = end.code.map { " (\($0))" } ?? ""
        let words = "its manifest came after it had ended as \(state.rawValue)\(code)\(self.present(key.job))"
        return .late(Failure(.staleAttempt, words + "; its files are deleted"))
    }

    /// What has become of the job meanwhile.
    private func present(_ job: JobKey) -> String {
        if let lease = self.facts.leases[job] { return ", and attempt \(lease.attempt) has the job" }
        return self.facts.jobs[job].map { ", and the job is \($0.state.rawValue)" } ?? ""
    }

    /// The files of a manifest that may be deleted when it does not win: those that bear the names of its attempt, so that no manifest can
    /// have the files of another deleted.
    func ownFiles(_ item: FinishedItem) -> [(lfn: String, storage: String)] {
        guard let description = self.facts.descriptions[item.name.task] else { return [] }
        return item.outputs.compactMap { output in
            guard let lfn = output.lfn, let storage = output.storage else { return nil }
            let prefix = description.lfnPrefix(stream: output.stream, item.name.key)
            return Self.isName(lfn, with: prefix) ? (lfn, storage) : nil
        }
    }
}
