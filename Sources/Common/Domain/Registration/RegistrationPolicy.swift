/// What the catalogue knows of a name that somebody registers at a storage element.
package struct KnownFile: Sendable, Hashable {
    /// What is known of the content; nil: not that.
    package struct Facts: Sendable, Hashable {
        package var bytes: Int64
        package var adler32: String?
        package var crc32c: String?
        package var events: Int64

        package init(bytes: Int64, adler32: String?, crc32c: String?, events: Int64) {
            self.bytes = bytes
            self.adler32 = adler32
            self.crc32c = crc32c
            self.events = events
        }
    }

    /// A file in the books.
    package struct Book: Sendable, Hashable {
        package var file: Int64
        package var facts: Facts
        package var isLost: Bool
        /// The task that made it; nil: it was brought in.
        package var task: Int64?
        /// The state of its replica at the storage element; nil: there is none.
        package var replica: String?
        /// Whether it is in the dataset.
        package var isMember: Bool

        package init(file: Int64, facts: Facts, isLost: Bool, task: Int64?, replica: String?, isMember: Bool) {
            self.file = file
            self.facts = facts
            self.isLost = isLost
            self.task = task
            self.replica = replica
            self.isMember = isMember
        }
    }

    /// What was said of it at this storage element before.
    package struct Earlier: Sendable, Hashable {
        package var id: Int64
        package var state: RegistrationState
        package var facts: Facts
        package var dataset: Int64

        package init(id: Int64, state: RegistrationState, facts: Facts, dataset: Int64) {
            self.id = id
            self.state = state
            self.facts = facts
            self.dataset = dataset
        }
    }

    package var book: Book?
    package var earlier: Earlier?

    package init(book: Book? = nil, earlier: Earlier? = nil) {
        self.book = book
        self.earlier = earlier
    }
}

/// What follows when a file is registered: pure.
package enum RegistrationPolicy {
    package enum Step: Sendable, Hashable {
        /// It is to be verified.
        case queue
        /// It was not what was said before: it is to be verified anew.
        case again(Int64)
        /// It waits to be verified already.
        case waits(Int64)
        /// It is in the books, and only not in the dataset.
        case join(Int64)
        /// It is in the dataset already.
        case isThere(Int64)
        case refuse(FileEntry.Problem)
    }

    package static func step(_ entry: FileEntry, dataset: Int64, _ known: KnownFile) -> Step {
        if let book = known.book, let step = self.step(entry, book) { return step }
        guard let earlier = known.earlier else { return .queue }
        switch earlier.state {
        case .failed: return .again(earlier.id)
        case .done: return self.refuse("was verified there once, and has no replica there now")
        case .queued, .active:
            if let problem = self.difference(entry, earlier.facts, "was registered") { return .refuse(problem) }
            guard earlier.dataset == dataset else {
                return self.refuse(
                    "is being registered in another dataset: dataset add puts it into this one when it is verified"
                )
            }
            return .waits(earlier.id)
        }
    }

    /// What follows from the books alone; nil: nothing, for the file has no replica there yet.
    private static func step(_ entry: FileEntry, _ book: KnownFile.Book) -> Step? {
        if book.isLost { return self.refuse("is in the catalogue and declared lost: bring it in under another name") }
        if let task = book.task {
            return self.refuse(
                "was made by task \(task): dataset add puts it into a dataset, dataset subscribe copies it"
            )
        }
        if let problem = self.difference(entry, book.facts, "is in the catalogue") { return .refuse(problem) }
        switch book.replica {
        case nil: return nil
        case "available"?: return book.isMember ? .isThere(book.file) : .join(book.file)
        case "copying"?: return self.refuse("is being copied there by a transfer")
        case let state?: return self.refuse("has a replica there that is \(state)")
        }
    }

    private static func refuse(_ text: String) -> Step { .refuse(FileEntry.Problem("lfn", text)) }

    /// The first fact that is not as it was said before. A checksum that one side does not have is no difference.
    private static func difference(_ entry: FileEntry, _ known: KnownFile.Facts, _ how: String) -> FileEntry.Problem? {
        func differs<Value: Equatable>(_ field: String, _ said: Value?, _ there: Value?) -> FileEntry.Problem? {
            guard let said, let there, said != there else { return nil }
            return FileEntry.Problem(field, "is \(said); this name \(how) with \(there)")
        }
        return differs("bytes", entry.bytes, known.bytes) ?? differs("events", entry.events, known.events)
            ?? differs("adler32", entry.adler32, known.adler32) ?? differs("crc32c", entry.crc32c, known.crc32c)
    }
}
