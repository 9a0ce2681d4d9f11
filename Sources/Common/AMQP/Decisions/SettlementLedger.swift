/// Which deliveries of one channel are unsettled, and the fewest commands that settle some of them.
///
/// `multiple` settles *every* unsettled delivery up to a number, so it may be used only from the oldest one on: other
/// batches, in other hands, can be unsettled before ours.
struct SettlementLedger: Sendable {
    enum Command: Equatable, Sendable {
        case acknowledge(tag: UInt64, multiple: Bool)
        case requeue(tag: UInt64, multiple: Bool)
        case reject(tag: UInt64)
    }

    private struct Entry: Sendable {
        var isOpen = true
        let offset: Int64?
    }

    private var entries = FIFO<Entry>()
    /// The number of the oldest entry.
    private var base: UInt64 = 1
    /// Deliveries without a settlement.
    private(set) var unsettled = 0
    /// The stream position up to which everything is settled.
    private(set) var settledOffset: Int64?

    /// Notes a delivery; the broker numbers them one by one.
    mutating func delivered(_ tag: UInt64, offset: Int64?) {
        guard tag == self.base + UInt64(self.entries.count) else { return }
        self.entries.append(Entry(offset: offset))
        self.unsettled += 1
    }

    /// Ends the channel: nothing of it can be settled any more. The stream position is kept.
    mutating func reset() {
        self.entries.removeAll()
        self.base = 1
        self.unsettled = 0
    }

    /// Settles deliveries, whose numbers must ascend. What is settled already, or was never delivered, is left out.
    mutating func settle(_ decisions: [(tag: UInt64, settlement: Settlement)]) -> [Command] {
        var commands: [Command] = []
        var index = 0
        while index < decisions.count {
            let run = self.run(of: decisions, from: index)
            guard !run.isEmpty else {
                index += 1
                continue
            }
            commands += self.commands(for: run, decisions[index].settlement)
            for tag in run {
                self.entries[Int(tag - self.base)]?.isOpen = false
                self.unsettled -= 1
            }
            self.dropSettled()
            index += run.count
        }
        return commands
    }

    /// The unsettled deliveries from `start` on that are decided alike, with no other unsettled one between them.
    private func run(of decisions: [(tag: UInt64, settlement: Settlement)], from start: Int) -> [UInt64] {
        var run: [UInt64] = []
        for (tag, settlement) in decisions[start...] {
            guard settlement == decisions[start].settlement, self.isOpen(tag) else { break }
            if let last = run.last, tag != last + 1 { break }
            run.append(tag)
        }
        return run
    }

    private func commands(for run: [UInt64], _ settlement: Settlement) -> [Command] {
        guard let first = run.first, let last = run.last else { return [] }
        let multiple = run.count > 1 && first == self.base
        switch settlement {
        case .acknowledge:
            return multiple
                ? [.acknowledge(tag: last, multiple: true)] : run.map { .acknowledge(tag: $0, multiple: false) }
        case .requeue:
            return multiple ? [.requeue(tag: last, multiple: true)] : run.map { .requeue(tag: $0, multiple: false) }
        case .reject:
            return run.map { .reject(tag: $0) }
        }
    }

    private func isOpen(_ tag: UInt64) -> Bool {
        guard tag >= self.base else { return false }
        return self.entries[Int(clamping: tag - self.base)]?.isOpen ?? false
    }

    private mutating func dropSettled() {
        while let first = self.entries.first, !first.isOpen {
            _ = self.entries.popFirst()
            self.base += 1
            if let offset = first.offset { self.settledOffset = offset }
        }
    }
}
