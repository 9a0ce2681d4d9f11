/// Which published messages the broker has not answered for yet, in the order they were sent.
///
/// The broker numbers the messages of a channel from 1, and so do we. An answer costs constant time, also one for many
/// messages (`multiple`), counted per message. A returned message has no number, but returns come in the order
/// of publishing, each before its confirm: so the search for it goes on where the last one ended.
struct ConfirmLedger<Payload: Sendable>: Sendable {
    struct Settled {
        let payload: Payload
        let outcome: PublishOutcome
    }

    private struct Entry: Sendable {
        let payload: Payload
        let sent: ContinuousClock.Instant
        var returned: PublishOutcome?
        var isSettled = false
    }

    private var entries = FIFO<Entry>()
    /// The number of the oldest entry.
    private var base: UInt64 = 1
    /// The number from which on the next returned message is looked for.
    private var returnCursor: UInt64 = 1
    /// Messages without an answer.
    private(set) var unsettled = 0

    /// When the oldest message without an answer was sent; nil if there is none.
    var oldest: ContinuousClock.Instant? { self.entries.first?.sent }

    /// Notes a message as the next one sent.
    mutating func append(_ payload: Payload, now: ContinuousClock.Instant) {
        self.entries.append(Entry(payload: payload, sent: now))
        self.unsettled += 1
    }

    /// Takes an answer of the broker.
    ///
    /// - Returns: the messages it settles, oldest first; none for a number that is unknown or settled already.
    mutating func settle(through tag: UInt64, multiple: Bool, positive: Bool) -> [Settled] {
        guard tag >= self.base || (multiple && tag == 0) else { return [] }
        var settled: [Settled] = []
        if multiple {
            // By the protocol, number 0 with `multiple` means all.
            let all = self.base + UInt64(self.entries.count)
            let end = tag == 0 ? all : min(tag + 1, all)
            while self.base < end, let entry = self.entries.popFirst() {
                self.base += 1
                if !entry.isSettled { settled.append(self.resolve(entry, positive)) }
            }
        } else {
            let index = Int(clamping: tag - self.base)
            guard var entry = self.entries[index], !entry.isSettled else { return [] }
            settled.append(self.resolve(entry, positive))
            entry.isSettled = true
            self.entries[index] = entry
        }
        while let first = self.entries.first, first.isSettled {
            _ = self.entries.popFirst()
            self.base += 1
        }
        return settled
    }

    /// Notes that the broker gave a message back; its confirm will follow.
    ///
    /// - Parameter matches: whether it is this one.
    /// - Returns: false if no unsettled message matches.
    mutating func markReturned(code: Int, text: String, matches: (Payload) -> Bool) -> Bool {
        var tag = max(self.returnCursor, self.base)
        while let entry = self.entries[Int(tag - self.base)] {
            if !entry.isSettled, entry.returned == nil, matches(entry.payload) {
                self.entries[Int(tag - self.base)]?.returned = .returned(code: code, text: text)
                self.returnCursor = tag + 1
                return true
            }
            tag += 1
        }
        return false
    }

    /// Ends the channel: gives back what has no answer, in order, and counts from 1 again.
    mutating func takeUnsettled() -> [Payload] {
        let left = self.entries.elements.filter { !$0.isSettled }.map(\.payload)
        self = ConfirmLedger()
        return left
    }

    private mutating func resolve(_ entry: Entry, _ positive: Bool) -> Settled {
        self.unsettled -= 1
        return Settled(payload: entry.payload, outcome: positive ? entry.returned ?? .confirmed : .refused)
    }
}
