import Domain
import Messages

/// A manifest that is made when its job ends: a payload that is killed writes no files.
struct Finishing: Sendable {
    let item: FinishedItem
    var change: @Sendable (FinishedItem) -> FinishedItem = { $0 }

    var key: AttemptKey { self.item.name.key }
    /// Writes the files, if it writes any.
    func finish() -> FinishedItem { self.change(self.item) }
}
