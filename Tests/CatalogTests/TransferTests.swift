import Catalog
import Domain
import Postgres
import Testing

/// Transfers that people end and take up again, and what takes the place of bad replicas.
@Suite struct TransferTests {
    private typealias World = RecoveryWorld

    /// File 2 is on its way home: transfer 2.
    private static let onItsWay = """
        UPDATE replica SET state = 'copying' WHERE file = 2 AND storage = 'HOME';
        INSERT INTO transfer (file, source, destination) VALUES (2, 'DISK', 'HOME');
        """
    private static let badAtHome = """
        UPDATE replica SET state = 'bad', who = 'olga', cause = 'checksum' WHERE file = 2 AND storage = 'HOME';
        """

    @Test func aCancelledTransferIsToldByTheDoctorAndCanBeRetried() async throws {
        try await World.with(World.quiet + Self.onItsWay) { world in
            try await world.expectNoViolations()
            _ = try await world.operations().cancelTransfer(2, reason: nil)
            let told = try await Doctor.examine(world.database).filter { $0.violations > 0 }
            #expect(told.map(\.invariant) == ["files-go-home"])
            #expect(
                told.first?.examples == [
                    "/made/0 is not at HOME, the home of made, and nothing moves it there: transfer 2 was cancelled by olga"
                ]
            )
            let retried = try await world.operations().retryTransfer(2, reason: "a mistake")
            #expect(retried.lines == ["transfer 2 of /made/0 to HOME is queued"] && retried.messages.count == 1)
            try await world.expectNoViolations()
        }
    }

    @Test func aTransferIsNotRetriedWhenAnotherTakesItsFileThereOrTheFileIsLost() async throws {
        try await World.with(World.quiet + Self.onItsWay) { world in
            func refusal() async throws -> String? {
                do {
                    _ = try await world.operations().retryTransfer(2, reason: nil)
                    return nil
                } catch let refusal as CatalogRefusal {
                    return refusal.description
                }
            }
            _ = try await world.operations().cancelTransfer(2, reason: nil)
            try await world.script("INSERT INTO transfer (file, source, destination) VALUES (2, 'DISK', 'HOME')")
            #expect(try await refusal() == "transfer 3 takes /made/0 to HOME already")
            _ = try await world.operations().declareBad(file: "/made/0", at: nil, isLost: true, reason: nil)
            #expect(try await refusal() == "file /made/0 is declared lost: there is nothing to transfer")
        }
    }

    @Test func aRetryWaitsForWhoeverDeclaresTheFileLost() async throws {
        try await World.with(World.quiet + Self.onItsWay) { world in
            _ = try await world.operations().cancelTransfer(2, reason: nil)
            let told = try await world.crossing {
                _ = try await $0.query(DataStatements.lock(file: "/made/0"))
                try await $0.execute(DataStatements.lose(2, reason: "tape broke", who: "olga"))
            } _: { () async throws -> String? in
                do {
                    _ = try await world.operations().retryTransfer(2, reason: nil)
                    return nil
                } catch let refusal as CatalogRefusal {
                    return refusal.description
                }
            }
            #expect(told == "file /made/0 is declared lost: there is nothing to transfer")
            #expect(try await world.text("SELECT state FROM transfer WHERE id = 2") == "cancelled")
        }
    }

    @Test func whatIsMissingReplacesABadReplicaButNoneThatAPersonRegistered() async throws {
        let replaced: SQL =
            "SELECT string_agg(id || ' ' || replaces, ',' ORDER BY id) FROM transfer WHERE state = 'queued'"
        for isTheirs in [false, true] {
            try await RegistrationWorld.with(Self.badAtHome) { world in
                if isTheirs {
                    try await world.script(
                        """
                        INSERT INTO registration (dataset, storage, lfn, bytes, adler32, events, who)
                        VALUES (4, 'HOME', '/made/0', 5, '00000001', 10, 'olga')
                        """
                    )
                }
                _ = try await world.operations().subscribe(dataset: "made", to: "HOME")
                #expect(try await world.text(replaced) == "2 \(!isTheirs)")
                _ = try await world.operations().cancelTransfer(2, reason: nil)
                try await world.script("UPDATE replica SET state = 'bad' WHERE file = 2 AND storage = 'HOME'")
                _ = try await world.database.query(DatasetStatements.carry([(dataset: 4, file: 2)], who: "olga"))
                #expect(try await world.text(replaced) == "3 \(!isTheirs)")
                // Whatever the row says, what a person registered is not replaced.
                try await world.script("UPDATE transfer SET replaces = true WHERE id = 3")
                let leased = try await world.database.query(
                    TransferStatements.lease(destination: "HOME", worker: "w", seconds: 60, limit: 9)
                )
                #expect(leased.map(\.9) == [!isTheirs])
            }
        }
    }

    /// Declared bad while a copy of it was still waiting: the one transfer that there may be takes its place.
    @Test func aTransferThatWaitsAlreadyReplacesWhatIsDeclaredBad() async throws {
        try await World.with(World.quiet + Self.onItsWay) { world in
            let told = try await world.operations().declareBad(file: "/made/0", at: "HOME", isLost: false, reason: nil)
            #expect(told.lines.last?.hasSuffix("and it is copied again from DISK") == true)
            #expect(
                try await world.text("SELECT id || ' ' || replaces FROM transfer WHERE state = 'queued'") == "2 true"
            )
        }
    }

    @Test func onlyTheOwnerOfALeaseRenewsIt() async throws {
        try await World.with(World.quiet + Self.onItsWay) { world in
            let lease = try await world.database.query(
                TransferStatements.lease(destination: "HOME", worker: "w", seconds: 60, limit: 9)
            ).map { (id: $0.0, token: $0.6) }
            let stranger = lease.map { (id: $0.id, token: UUIDText.random()) }
            #expect(try await world.database.query(TransferStatements.renew(stranger, seconds: 600)) == [])
            #expect(try await world.database.query(TransferStatements.renew(lease, seconds: 600)) == lease.map(\.token))
            let longer: SQL = "SELECT lease_until > now() + interval '300 seconds' FROM transfer WHERE id = 2"
            #expect(try await world.text(longer) == "true")
            _ = try await world.operations().cancelTransfer(2, reason: nil)
            #expect(try await world.database.query(TransferStatements.renew(lease, seconds: 600)) == [])
        }
    }
}
