/// Who holds which of a fixed number of connections, and who waits: decisions only.
struct PoolMachine: Sendable {
    enum Slot: Sendable, Hashable {
        case vacant
        case opening
        case idle
        case leased
    }

    enum Grant: Sendable, Hashable {
        case lease(slot: Int)
        /// The caller waits; a slot given here is to be opened first.
        case wait(open: Int?)
        case refused
    }

    private(set) var slots: [Slot]
    /// First come, first served.
    private(set) var waiters: [UInt64] = []
    private(set) var isClosed = false

    init(size: Int) { self.slots = Array(repeating: .vacant, count: max(1, size)) }

    mutating func acquire(_ waiter: UInt64) -> Grant {
        if self.isClosed { return .refused }
        if self.waiters.isEmpty, let slot = self.slots.firstIndex(of: .idle) {
            self.slots[slot] = .leased
            return .lease(slot: slot)
        }
        self.waiters.append(waiter)
        let opening = self.slots.count { $0 == .opening }
        guard opening < self.waiters.count, let slot = self.slots.firstIndex(of: .vacant) else {
            return .wait(open: nil)
        }
        self.slots[slot] = .opening
        return .wait(open: slot)
    }

    /// The waiter gave up.
    mutating func withdraw(_ waiter: UInt64) { self.waiters.removeAll { $0 == waiter } }

    /// A connection is free: newly opened, or given back. - Returns: the waiter that has it now.
    mutating func offer(_ slot: Int) -> UInt64? {
        guard !self.isClosed, !self.waiters.isEmpty else {
            self.slots[slot] = .idle
            return nil
        }
        self.slots[slot] = .leased
        return self.waiters.removeFirst()
    }

    /// The connection is gone, or could not be made. - Returns: true if it is to be opened (again) at once.
    mutating func lost(_ slot: Int) -> Bool {
        let isWanted = !self.isClosed && !self.waiters.isEmpty
        self.slots[slot] = isWanted ? .opening : .vacant
        return isWanted
    }

    /// No more leases. - Returns: the waiters, all of which must be told.
    mutating func close() -> [UInt64] {
        self.isClosed = true
        defer { self.waiters = [] }
        return self.waiters
    }
}
