import Domain
import Messages
import TestSupport
import Testing

@testable import Agent

@Suite("The journal")
struct JournalTests {
    private let path: String

    init() throws { self.path = try TestFolder.make("journal") + "/journal.sqlite" }

    private func run(_ journal: Journal, _ job: AcceptedJob, terminal: Bool) async throws {
        try await journal.append(job.key, routingKey: RoutingKey.running, isTerminal: terminal) { sequence in
            RunningItem(
                name: job.job.name,
                sequence: sequence,
                agent: "a",
                node: "n",
                step: "s",
                at: Timestamp(microseconds: 0)
            )
        }
    }

    @Test("keeps jobs and reports over a restart, and forgets a job when its end is confirmed")
    func life() async throws {
        let job = Sample.accepted()
        var journal = try Journal(path: self.path)
        #expect(try await journal.accept([job]) == [job])
        #expect(try await journal.accept([job]) == [])
        var record = JobRecord()
        record.phase = .storing
        record.result = JobResult(eventsRead: 3, outputs: [])
        try await journal.update(job.key, record)
        try await self.run(journal, job, terminal: false)
        let first = ReportQueue.next(try await journal.pending()) { "m1" }
        try await journal.assign(first)

        journal = try Journal(path: self.path)
        #expect(try await journal.unfinished() == [HeldJob(accepted: job, record: record)])
        let again = ReportQueue.next(try await journal.pending()) { "m2" }
        #expect(again.map(\.id) == ["m1"] && again.map(\.body) == first.map(\.body))
        try await journal.confirm(["m1"])
        #expect(try await journal.held() == [job.key])

        try await self.run(journal, job, terminal: true)
        #expect(try await journal.unfinished() == [])
        #expect(try await journal.held() == [job.key])
        // Nothing follows an end.
        try await self.run(journal, job, terminal: true)
        let pending = try await journal.pending()
        #expect(pending.count == 1 && pending[0].item.contains("\"sequence\":2"))
        let last = ReportQueue.next(pending) { "m3" }
        try await journal.assign(last)
        try await journal.confirm(["m3"])
        #expect(try await journal.held() == [])
        #expect(try await journal.pending() == [])
        #expect(try await !journal.knows(job.key))
    }

    @Test("remembers an input by size and time, and kept folders until their time")
    func memory() async throws {
        let journal = try Journal(path: self.path)
        try await journal.rememberInput("/f", bytes: 1, modified: 2, adler32: "00000001")
        #expect(try await journal.checkedInput("/f", bytes: 1, modified: 2) == "00000001")
        #expect(try await journal.checkedInput("/f", bytes: 1, modified: 3) == nil)
        #expect(try await journal.checkedInput("/f", bytes: 2, modified: 2) == nil)
        for attempt in 1...3 {
            let key = AttemptKey(task: 1, index: 1, attempt: attempt)
            try await journal.keep(key, until: Timestamp(microseconds: Int64(attempt)))
        }
        let job = JobKey(task: 1, index: 1)
        #expect(try await journal.takeKept(job, before: 3)?.attempt == 2)
        #expect(try await journal.takeExpired(at: Timestamp(microseconds: 2)).map(\.attempt) == [1])
        #expect(try await journal.takeKept(job, before: 3) == nil)
        #expect(try await journal.takeKept(job, before: 4)?.attempt == 3)
    }
}
