import Domain
import Testing

/// What is said of files that are there already, and what follows from it.
@Suite struct RegistrationTests {
    private static func fields(_ entry: FileEntry, measured: Bool = false) -> [String] {
        entry.problems(measured: measured).map(\.field)
    }

    private static func named(_ lfn: String) -> FileEntry {
        FileEntry(lfn: lfn, bytes: 1, adler32: "00000001", events: 1)
    }

    @Test(arguments: [
        "/a", "/mc/2019/run_1+2/a-b.root", "/2019/a.root", "/7/simulate/readme.txt", "/x/7/rec/0/12.5.1.npz",
        "/x/7/rec/0/12.5.1", "/7/simulate/rec/0/12.5", "/7/simulate/rec/0/12.5.1x", "/7/12.5.1",
    ])
    func aNameBelowTheBaseIsGood(_ lfn: String) { #expect(Self.named(lfn).problems(measured: false).isEmpty) }

    @Test(
        arguments: [
            "", "a", "/", "//a", "/a/", "/a//b", "/a/../b", "/.", "/a b", "/a:b", "/é", "/7/simulate/rec/0/12.5.1.npz",
            "/7/simulate/rec/0/12.5.1", "/7/x/12.5.1",
            "/" + String(repeating: "a", count: 201), "/" + String(repeating: "ab/", count: 170) + "abc",
        ]
    )
    func anythingElseIsNot(_ lfn: String) { #expect(Self.fields(Self.named(lfn)) == ["lfn"]) }

    @Test func sizesEventsAndChecksumsAreLookedAt() {
        #expect(Self.fields(FileEntry(lfn: "/a", bytes: 0, adler32: "00000001", events: -1)) == ["bytes", "events"])
        #expect(
            Self.fields(FileEntry(lfn: "/a", bytes: 1, adler32: "1", crc32c: "0000000g", events: 0)) == [
                "adler32", "crc32c",
            ]
        )
        let capital = FileEntry(lfn: "/a", bytes: 1, adler32: "00ABCDEF", events: 0)
        #expect(Self.fields(capital).isEmpty && capital.adler32 == "00abcdef")
        #expect(Self.fields(FileEntry(lfn: "/a", bytes: 1, crc32c: "00abcdef", events: 0)).isEmpty)
        // Without a checksum it has to be said that this is meant.
        let bare = FileEntry(lfn: "/a", bytes: 1, events: 0)
        #expect(Self.fields(bare) == ["adler32"] && Self.fields(bare, measured: true).isEmpty)
    }

    // MARK: What follows

    private static let entry = FileEntry(lfn: "/a", bytes: 5, adler32: "00000001", events: 10)
    private static let facts = KnownFile.Facts(bytes: 5, adler32: "00000001", crc32c: "00000002", events: 10)

    private static func book(
        facts: KnownFile.Facts = Self.facts,
        isLost: Bool = false,
        task: Int64? = nil,
        replica: String? = "available",
        isMember: Bool = false
    ) -> KnownFile {
        KnownFile(
            book: .init(file: 3, facts: facts, isLost: isLost, task: task, replica: replica, isMember: isMember)
        )
    }

    private static func earlier(
        _ state: RegistrationState,
        facts: KnownFile.Facts = Self.facts,
        dataset: Int64 = 1
    ) -> KnownFile {
        KnownFile(earlier: .init(id: 9, state: state, facts: facts, dataset: dataset))
    }

    private static func step(_ known: KnownFile, _ entry: FileEntry = Self.entry) -> RegistrationPolicy.Step {
        RegistrationPolicy.step(entry, dataset: 1, known)
    }

    private static func refusal(_ known: KnownFile, _ entry: FileEntry = Self.entry) -> String? {
        guard case .refuse(let problem) = Self.step(known, entry) else { return nil }
        return "\(problem.field) \(problem.text)"
    }

    @Test func aNewNameIsVerified() { #expect(Self.step(KnownFile()) == .queue) }

    @Test func theSameAgainChangesNothing() {
        #expect(Self.step(Self.earlier(.queued)) == .waits(9))
        #expect(Self.step(Self.earlier(.active)) == .waits(9))
        #expect(Self.step(Self.book(isMember: true)) == .isThere(3))
        #expect(Self.step(Self.book()) == .join(3))
        // What only one side knows is no difference.
        let other = FileEntry(lfn: "/a", bytes: 5, crc32c: "00000002", events: 10)
        #expect(
            Self.step(
                Self.earlier(.queued, facts: .init(bytes: 5, adler32: "00000001", crc32c: nil, events: 10)),
                other
            ) == .waits(9)
        )
    }

    @Test func aKnownFileMayBeAtAnotherPlaceToo() { #expect(Self.step(Self.book(replica: nil)) == .queue) }

    @Test func whatFailedMayBeSaidOtherwise() {
        #expect(
            Self.step(Self.earlier(.failed, facts: .init(bytes: 6, adler32: nil, crc32c: nil, events: 1), dataset: 2))
                == .again(9)
        )
    }

    @Test func otherFactsOfAKnownNameAreRefused() {
        let cases: [(FileEntry, String)] = [
            (FileEntry(lfn: "/a", bytes: 6, adler32: "00000001", events: 10), "bytes is 6"),
            (FileEntry(lfn: "/a", bytes: 5, adler32: "00000001", events: 11), "events is 11"),
            (FileEntry(lfn: "/a", bytes: 5, adler32: "00000003", events: 10), "adler32 is 00000003"),
            (FileEntry(lfn: "/a", bytes: 5, crc32c: "00000003", events: 10), "crc32c is 00000003"),
        ]
        for (entry, words) in cases {
            #expect(Self.refusal(Self.book(isMember: true), entry)?.hasPrefix(words) == true)
            #expect(Self.refusal(Self.earlier(.queued), entry)?.hasPrefix(words) == true)
        }
        #expect(Self.refusal(Self.earlier(.queued, dataset: 2))?.contains("another dataset") == true)
    }

    @Test func whatIsOursIsNotBroughtIn() {
        #expect(Self.refusal(Self.book(task: 7))?.contains("made by task 7") == true)
        #expect(Self.refusal(Self.book(isLost: true))?.contains("declared lost") == true)
        #expect(Self.refusal(Self.book(replica: "copying"))?.contains("by a transfer") == true)
        #expect(Self.refusal(Self.book(replica: "bad"))?.contains("that is bad") == true)
        #expect(Self.refusal(Self.earlier(.done))?.contains("no replica there now") == true)
    }

    @Test func whatPeopleFilledHoldsACleanUpUp() {
        var facts = CleanupFacts()
        facts.selection = "mine"
        #expect(CleanupPolicy.obstacle(facts) == .selection("mine"))
        #expect(CleanupObstacle.selection("mine").text == "has files in dataset mine, which people filled")
        facts.isForced = true
        #expect(CleanupPolicy.obstacle(facts) == nil)
    }
}
