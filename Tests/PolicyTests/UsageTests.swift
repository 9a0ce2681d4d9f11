import Domain
import Messages
import Testing

/// What agents say that attempts used, as it comes out of their messages.
@Suite struct UsageTests {
    private static let name = AttemptName(
        task: 1,
        index: 0,
        attempt: 1,
        token: "0b9a3f0e-0000-4000-8000-000000000001"
    )
    private static let now = Timestamp(microseconds: 0)

    private static func received<Item: MessageItem>(_ item: Item) throws -> Item {
        let batch = try Batch<Item>(decoding: try Batch([item]).encoded())
        return try #require(batch.items.first)
    }

    @Test func whatCannotBeIsBounded() {
        let most = Usage(cpuSeconds: Usage.mostSeconds, wallSeconds: Usage.mostSeconds, memoryPeak: Usage.mostMemory)
        let none = Usage(cpuSeconds: 0, wallSeconds: 0, memoryPeak: 0)
        #expect(Usage(cpuSeconds: 1e300, wallSeconds: 1e17, memoryPeak: .max).bounded == most)
        #expect(Usage(cpuSeconds: .infinity, wallSeconds: .infinity, memoryPeak: .max).bounded == most)
        #expect(Usage(cpuSeconds: -1, wallSeconds: -1e300, memoryPeak: .min).bounded == none)
        #expect(Usage(cpuSeconds: .nan, wallSeconds: -.infinity, memoryPeak: 0).bounded == none)
        let usual = Usage(cpuSeconds: 86_400.5, wallSeconds: 1200.25, memoryPeak: 4 << 30)
        #expect(usual.bounded == usual && most.bounded == most && none.bounded == none)
    }

    /// The catalogue sums microseconds in 64 bits, and keeps memory in MB in 32.
    @Test func whatIsWithinBoundsCanBeSummed() {
        #expect(Usage.mostSeconds * 1e6 * 29_000 < Double(Int64.max))
        #expect(Usage.mostMemory / 1_048_576 <= Int64(Int32.max))
    }

    @Test func everyReportBringsItWithinBounds() throws {
        let wrong = Usage(cpuSeconds: -1, wallSeconds: 1e17, memoryPeak: -1)
        let right = Usage(cpuSeconds: 0, wallSeconds: Usage.mostSeconds, memoryPeak: 0)
        let finished = FinishedItem(
            name: Self.name,
            sequence: 2,
            agent: "a",
            node: "n",
            eventsRead: 1,
            outputs: [],
            steps: [],
            usage: wrong,
            started: Self.now,
            at: Self.now
        )
        let failed = FailedItem(
            name: Self.name,
            sequence: 2,
            agent: "a",
            node: "n",
            failures: [Failure(.payloadExit, "exit code 1")],
            steps: [],
            usage: wrong,
            at: Self.now
        )
        let cancelled = CancelledItem(
            name: Self.name,
            sequence: 2,
            agent: "a",
            reason: "killed",
            usage: wrong,
            at: Self.now
        )
        #expect(try Self.received(finished).usage == right)
        #expect(try Self.received(failed).usage == right)
        #expect(try Self.received(cancelled).usage == right)
    }
}
