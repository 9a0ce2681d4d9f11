import Catalog
import Domain
import NIOConcurrencyHelpers
import Postgres
import Storage
import TestSupport
import Testing

@testable import Transfer

/// Copies that take long: they keep their lease, hold up nobody, and do not appear when they come too late.
@Suite struct TransferDeskTests {
    private typealias World = TransferWorld

    @Test func theLeaseOfACopyThatTakesLongIsRenewed() async throws {
        try await World.with { world in
            try await world.add("/data/1", to: "HOME")
            let word = Gathered()
            let worker = world.worker { order in
                await word.more(than: 0)
                try order.carryOut()
            }
            try await world.running(worker) { desk in
                _ = try await desk.turn()
                try await world.until("/data/1", is: "active")
                for _ in 1...2 {
                    // Nearly over, and then as long again as at its beginning.
                    try await world.database.execute(
                        "UPDATE transfer SET lease_until = clock_timestamp() + interval '60 seconds'"
                    )
                    try await world.until(
                        "SELECT lease_until > clock_timestamp() + interval '300 seconds' FROM transfer"
                    )
                }
                word.insert([1])
                try await world.until("/data/1", is: "done")
            }
            // One lease, one try.
            #expect(try await world.text("SELECT tries || ' ' || version FROM transfer") == "1 3")
        }
    }

    /// Two at once: one that does not end keeps its own place and no other, and nobody's report.
    @Test func eachFileIsReportedWhenItEndsAndAnotherBegins() async throws {
        try await World.with(limit: 2) { world in
            for lfn in ["/data/slow", "/data/a", "/data/b"] { try await world.add(lfn, to: "HOME") }
            let word = Gathered()
            let worker = world.worker { order in
                if order.lease.lfn == "/data/slow" { await word.more(than: 0) }
                try order.carryOut()
            }
            try await world.running(worker) { desk in
                _ = try await desk.turn()
                for lfn in ["/data/a", "/data/b"] { try await world.until(lfn, is: "done") }
                #expect(try await world.text("SELECT count(*) FROM transfer WHERE state = 'active'") == "1")
                word.insert([1])
                try await world.until("/data/slow", is: "done")
            }
            let good: SQL = "SELECT count(*) FROM replica WHERE storage = 'HOME' AND state = 'available'"
            #expect(try await world.text(good) == "3")
        }
    }

    @Test func aStorageElementThatHangsHoldsUpNoOther() async throws {
        try await World.with(limit: 1) { world in
            for (lfn, storage) in [("/data/1", "HOME"), ("/data/2", "FAR")] { try await world.add(lfn, to: storage) }
            let (begun, word) = (Gathered(), Gathered())
            let worker = world.worker { order in
                if order.destination.name == "HOME" {
                    begun.insert([1])
                    await word.more(than: 0)
                }
                try order.carryOut()
            }
            try await world.running(worker) { desk in
                _ = try await desk.turn()
                await begun.more(than: 0)
                try await world.until("/data/2", is: "done")
                // What comes later goes there as well, and more than it takes comes to nobody.
                for (lfn, storage) in [("/data/3", "FAR"), ("/data/4", "HOME")] {
                    try await world.add(lfn, to: storage)
                }
                _ = try await desk.turn()
                try await world.until("/data/3", is: "done")
                let home: SQL = "SELECT string_agg(state, ' ' ORDER BY id) FROM transfer WHERE destination = 'HOME'"
                #expect(try await world.text(home) == "active queued")
                word.insert([1])
                for lfn in ["/data/1", "/data/4"] { try await world.until(lfn, is: "done") }
            }
        }
    }

    /// Cancelled while it is copied, as one whose lease ran out.
    @Test func aCopyThatOutlivesItsLeaseDoesNotAppear() async throws {
        try await World.with { world in
            try await world.add("/data/1", to: "HOME")
            let (begun, word, ended) = (Gathered(), Gathered(), Gathered())
            let worker = world.worker { order in
                defer { ended.insert([1]) }
                begun.insert([1])
                await word.more(than: 0)
                // The next renewal tells.
                while order.mayPublish() && !Task.isCancelled { await Task.yield() }
                try order.carryOut()
            }
            try await world.running(worker) { desk in
                _ = try await desk.turn()
                await begun.more(than: 0)
                try await world.database.execute(
                    """
                    UPDATE transfer SET state = 'cancelled', version = version + 1, token = NULL, lease_until = NULL, who = 'olga'
                    """
                )
                word.insert([1])
                await ended.more(than: 0)
                #expect(world.stored(at: "HOME") == [])
            }
            #expect(try await world.text("SELECT state FROM transfer") == "cancelled")
        }
    }

    @Test func aLeaseHoldsByTheOwnClockAndByWhatTheLastRenewalSaid() async throws {
        let clock = NIOLockedValueBox(ContinuousClock.now)
        let held = HeldLeases(seconds: 60, now: { clock.withLockedValue { $0 } })
        func pass(_ seconds: Int) { clock.withLockedValue { $0 = $0.advanced(by: .seconds(seconds)) } }
        let (mine, gone) = (UUIDText.random(), UUIDText.random())
        held.add([(id: 1, token: mine), (id: 2, token: gone)], since: held.now())
        pass(59)
        #expect(held.holds(mine) && held.holds(gone))
        let asked = NIOLockedValueBox<[[Int64]]>([])
        for _ in 1...2 {
            try await held.renew { leases in
                asked.withLockedValue { $0.append(leases.map(\.id)) }
                return [mine]
            }
            #expect(held.holds(mine) && !held.holds(gone))
        }
        #expect(asked.withLockedValue { $0 } == [[1, 2], [1]])
        pass(59)
        #expect(held.holds(mine))
        pass(1)
        #expect(!held.holds(mine))
        // Both are worked under, whatever became of them.
        #expect(held.count == 2)
        held.remove([mine, gone])
        #expect(held.count == 0)
    }

    /// The bad bytes lie under the final name: the copy takes their place, but never that of what was there before us.
    @Test func whatWasDeclaredBadIsReplacedUnlessAPersonRegisteredIt() async throws {
        try await World.with { world in
            for lfn in ["/data/1", "/data/2"] {
                try await world.add(lfn)
                try world.write(lfn, at: "HOME", seed: 2)
                try await world.database.execute(
                    "INSERT INTO replica (file, storage, state) SELECT id, 'HOME', 'available' FROM file WHERE lfn = \(lfn)"
                )
            }
            try await world.database.execute(
                """
                INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who)
                VALUES (1, 'HOME', '/data/2', 5000, '00000001', 1, 'olga')
                """
            )
            let (good, bad) = (try world.read("/data/1", at: "AWAY"), try world.read("/data/2", at: "HOME"))
            #expect(good != bad)
            let operations = Operations(world.database, caller: Caller(who: "olga", role: .operator))
            let first = try await operations.declareBad(file: "/data/1", at: "HOME", isLost: false, reason: "checksum")
            #expect(first.lines.last?.hasSuffix("and it is copied again from AWAY") == true, "\(first.lines)")
            let second = try await operations.declareBad(file: "/data/2", at: "HOME", isLost: false, reason: nil)
            let theirs =
                "but it was registered there and is never replaced: move it away, then millrace transfer retry 2"
            #expect(second.lines.last?.hasSuffix(theirs) == true, "\(second.lines)")
            try await world.running(world.worker { try $0.carryOut() }) { desk in
                _ = try await desk.turn()
                try await world.until("/data/1", is: "done")
                try await world.until("/data/2", is: "failed")
            }
            #expect(try world.read("/data/1", at: "HOME") == good)
            #expect(try world.read("/data/2", at: "HOME") == bad)
            let states: SQL = "SELECT string_agg(state, ' ' ORDER BY file) FROM replica WHERE storage = 'HOME'"
            #expect(try await world.text(states) == "available copying")
        }
    }
}
