import Domain
import Glibc
import Logging
import Messages

/// Writes what a job has to say into the journal, and wakes who sends it.
struct Reporter: Sendable {
    let journal: Journal
    let logger: Logger
    /// Told that a report waits.
    let onReport: @Sendable () -> Void
    /// Takes progress, which may be lost.
    let onProgress: @Sendable (ProgressItem) -> Void

    /// Writes a report. A journal that cannot be written (a full disk) is tried again until it can: the job waits.
    func report<Item: MessageItem>(
        _ key: AttemptKey,
        routingKey: String,
        isTerminal: Bool,
        _ make: @escaping @Sendable (_ sequence: Int64) -> Item
    ) async {
        await self.persist("a report on \(key)") {
            try await self.journal.append(key, routingKey: routingKey, isTerminal: isTerminal, make)
        }
        self.onReport()
    }

    /// Writes how far a job is.
    func record(_ key: AttemptKey, _ record: JobRecord) async {
        await self.persist("the state of \(key)") { try await self.journal.update(key, record) }
    }

    private func persist(_ what: String, _ body: () async throws -> Void) async {
        while true {
            do {
                return try await body()
            } catch {
                self.logger.error("the journal cannot take \(what); trying again", metadata: ["reason": "\(error)"])
                do {
                    try await Task.sleep(for: .seconds(2))
                } catch {
                    // The agent ends: after its restart the job is found unfinished.
                    return
                }
            }
        }
    }
}

/// The wall clock.
enum Now {
    static var timestamp: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}
