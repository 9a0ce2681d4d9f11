/// What a client knows behind its lock: the shared connection, the pool, and who waits for which.
struct ClientState {
    enum Phase {
        case notStarted
        case running
        case closed
    }

    typealias Waiter = OneShot<Lease>

    var phase = Phase.notStarted
    var pool: PoolMachine
    private(set) var shared: PostgresConnection?
    private(set) var pooled: [Int: PostgresConnection] = [:]
    private(set) var lastFailure: PostgresError?
    private var sharedWaiters: [UInt64: OneShot<PostgresConnection>] = [:]
    private var poolWaiters: [UInt64: Waiter] = [:]
    private var nextWaiter: UInt64 = 0

    init(poolSize: Int) { self.pool = PoolMachine(size: poolSize) }

    private mutating func waiterID() -> UInt64 {
        self.nextWaiter += 1
        return self.nextWaiter
    }

    // MARK: The shared connection

    enum SharedGrant {
        case connection(PostgresConnection)
        case wait(UInt64, OneShot<PostgresConnection>)
        case refused
    }

    mutating func acquireShared() -> SharedGrant {
        if self.phase == .closed { return .refused }
        if let shared = self.shared { return .connection(shared) }
        let id = self.waiterID()
        let waiter = OneShot<PostgresConnection>()
        self.sharedWaiters[id] = waiter
        return .wait(id, waiter)
    }

    mutating func withdrawShared(_ id: UInt64) { self.sharedWaiters[id] = nil }

    /// - Returns: who waited for it; nil: the client is closed, and so must be the connection.
    mutating func sharedOpened(_ connection: PostgresConnection) -> [OneShot<PostgresConnection>]? {
        guard self.phase == .running else { return nil }
        self.shared = connection
        self.lastFailure = nil
        defer { self.sharedWaiters = [:] }
        return Array(self.sharedWaiters.values)
    }

    mutating func sharedLost(_ connection: PostgresConnection) {
        if self.shared === connection { self.shared = nil }
    }

    // MARK: The pool

    enum PoolGrant {
        case lease(Lease)
        case wait(UInt64, Waiter, open: Int?)
        case refused
    }

    mutating func acquire() -> PoolGrant {
        let id = self.waiterID()
        switch self.pool.acquire(id) {
        case .refused:
            return .refused
        case .lease(let slot):
            if let connection = self.pooled[slot] { return .lease(Lease(slot: slot, connection: connection)) }
            // Idle slots always have a connection; a slot without one is opened anew.
            _ = self.pool.lost(slot)
            return self.acquire()
        case .wait(let open):
            let waiter = Waiter()
            self.poolWaiters[id] = waiter
            return .wait(id, waiter, open: open)
        }
    }

    mutating func withdraw(_ id: UInt64) {
        self.pool.withdraw(id)
        self.poolWaiters[id] = nil
    }

    /// A new connection of a slot. - Returns: false: the client is closed, and so must be the connection.
    mutating func opened(_ slot: Int, _ connection: PostgresConnection) -> Bool {
        guard self.phase == .running else { return false }
        self.pooled[slot] = connection
        self.lastFailure = nil
        return true
    }

    /// - Returns: the waiter to be given the lease; a waiter that is gone already must be followed by another call.
    mutating func offer(_ lease: Lease) -> Waiter? {
        // A slot may have a new connection by the time the old one is given back.
        guard self.pooled[lease.slot] === lease.connection else { return nil }
        while let id = self.pool.offer(lease.slot) {
            if let waiter = self.poolWaiters.removeValue(forKey: id) { return waiter }
        }
        return nil
    }

    /// - Returns: true if the slot is to be opened again at once.
    mutating func lost(_ slot: Int) -> Bool {
        self.pooled[slot] = nil
        return self.pool.lost(slot)
    }

    // MARK: Failure and end

    /// - Returns: who is to be told now: everybody, if trying again does not help.
    mutating func failed(_ error: PostgresError) -> [@Sendable () -> Void] {
        self.lastFailure = error
        guard error.code == .refused else { return [] }
        return self.dismissWaiters(error)
    }

    mutating func close() -> (tell: [@Sendable () -> Void], connections: [PostgresConnection]) {
        self.phase = .closed
        let idle = self.pool.slots.indices.filter { self.pool.slots[$0] == .idle }.compactMap { self.pooled[$0] }
        let tell = self.dismissWaiters(PostgresError(.closed, "the database client is closed"))
        _ = self.pool.close()
        return (tell, idle + [self.shared].compactMap(\.self))
    }

    private mutating func dismissWaiters(_ error: PostgresError) -> [@Sendable () -> Void] {
        let shared = self.sharedWaiters.values.map { waiter in { @Sendable in _ = waiter.complete(.failure(error)) } }
        let pooled = self.poolWaiters.values.map { waiter in { @Sendable in _ = waiter.complete(.failure(error)) } }
        for id in self.poolWaiters.keys { self.pool.withdraw(id) }
        self.sharedWaiters = [:]
        self.poolWaiters = [:]
        return shared + pooled
    }
}

/// A pooled connection in the hands of one transaction.
struct Lease: Sendable {
    let slot: Int
    let connection: PostgresConnection
}
