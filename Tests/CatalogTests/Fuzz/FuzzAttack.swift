import Domain
import Postgres

/// A statement that would break a rule of the books, in plain SQL: what faulty code, or a hand at the console, might do. The
/// schema alone must refuse each.
enum FuzzAttack: String, CaseIterable {
    // On a winner, whose job is locked.
    case secondWinner, acceptedEventsChanged, readOtherEvents, expectOtherEvents, winnerFails, winnerGone, outputGone
    case fileChanged, fileGone, nameTwice, twoTransfers, jobUndone
    // On an attempt that failed.
    case loserWins, loserAccepted
    // On a task with grouped inputs.
    case mergedTwice, mergeOfMerged, overlappingSlices, twoRanges
    // On a failed attempt and a merge.
    case mergeOfUnaccepted
    // On a closed dataset.
    case intoClosed, outOfClosed, reopened, memberSwapped
    // On a live attempt.
    case twoLeases, twoAttempts
    // On anything.
    case doneTransferAgain, logChanged, logCut, requestReborn, illegalMove

    /// What it is done to.
    struct Target: Sendable {
        var key: AttemptKey?
        var merge: Int64?
        var dataset: Int64?
        var transfer: Int64?
        var file: String?
    }

    /// Which rows it needs.
    enum Aim { case winner, loser, merge, loserAndMerge, dataset, live, transfer, nothing }

    var aim: Aim {
        switch self {
        case .secondWinner, .acceptedEventsChanged, .readOtherEvents, .expectOtherEvents, .winnerFails, .winnerGone,
            .outputGone, .fileChanged, .fileGone, .nameTwice, .twoTransfers, .jobUndone:
            .winner
        case .loserWins, .loserAccepted: .loser
        case .mergedTwice, .mergeOfMerged, .overlappingSlices, .twoRanges: .merge
        case .mergeOfUnaccepted: .loserAndMerge
        case .intoClosed, .outOfClosed, .reopened, .memberSwapped: .dataset
        case .twoLeases, .twoAttempts: .live
        case .doneTransferAgain: .transfer
        case .logChanged, .logCut, .requestReborn, .illegalMove: .nothing
        }
    }

    /// What refuses it: SQLSTATEs.
    var answers: Set<String> {
        switch self {
        case .secondWinner, .nameTwice, .twoTransfers, .mergedTwice, .twoLeases, .twoAttempts: ["23505"]
        case .acceptedEventsChanged, .expectOtherEvents, .winnerFails, .winnerGone, .outputGone, .fileChanged,
            .fileGone,
            .mergeOfUnaccepted, .mergeOfMerged:
            ["23503"]
        case .readOtherEvents: ["23514"]
        case .loserWins, .loserAccepted: ["23503", "23505"]
        case .overlappingSlices, .twoRanges: ["23P01"]
        case .intoClosed: ["MR003", "23505"]
        case .outOfClosed: ["MR003"]
        case .memberSwapped, .logChanged, .logCut: ["MR002"]
        case .reopened, .doneTransferAgain, .requestReborn, .jobUndone, .illegalMove: ["MR001"]
        }
    }

    /// The statements; the last is the attack itself. Nil: the target lacks what it needs.
    func statements(_ target: Target) -> [SQL]? {
        switch self.aim {
        case .winner, .loser, .live: target.key.flatMap { self.onAttempt($0) }
        case .merge: target.merge.flatMap { self.onMerge($0) }
        case .loserAndMerge:
            if let key = target.key, let merge = target.merge { Self.unaccepted(key, merge) } else { nil }
        case .dataset:
            if let dataset = target.dataset, let file = target.file { self.onDataset(dataset, file) } else { nil }
        case .transfer: target.transfer.map { [Self.again($0)] }
        case .nothing: self.onAnything
        }
    }

    private func onAttempt(_ key: AttemptKey) -> [SQL]? {
        let job: SQL = "task = \(key.task) AND index = \(key.index)"
        let mine: SQL = "\(fragment: job) AND attempt = \(Int32(key.attempt))"
        let row: SQL = "\(key.task)::bigint, \(key.index)::bigint, \(Int32(key.attempt))::int"
        switch self {
        case .secondWinner:
            return ["INSERT INTO winner (task, index, attempt) SELECT \(fragment: row)"]
        case .acceptedEventsChanged: return ["UPDATE accepted SET events = events + 1 WHERE \(fragment: mine)"]
        case .readOtherEvents: return ["UPDATE attempt SET events_read = events_read + 1 WHERE \(fragment: mine)"]
        case .expectOtherEvents: return ["UPDATE job SET events_expected = events_expected + 1 WHERE \(fragment: job)"]
        case .winnerFails: return ["UPDATE attempt SET state = 'failed', code = 1001 WHERE \(fragment: mine)"]
        case .winnerGone: return ["DELETE FROM winner WHERE \(fragment: mine)"]
        case .outputGone: return ["DELETE FROM output WHERE \(fragment: mine)"]
        case .fileChanged: return ["UPDATE file SET events = events + 1 WHERE \(fragment: mine)"]
        case .fileGone: return ["DELETE FROM file WHERE \(fragment: mine)"]
        case .nameTwice:
            return [
                """
                INSERT INTO file (lfn, bytes, adler32, crc32c, events)
                SELECT lfn, bytes, adler32, crc32c, events FROM file WHERE \(fragment: mine)
                """
            ]
        case .twoTransfers:
            return [
                """
                INSERT INTO transfer (file, source, destination)
                SELECT id, 'DISK', 'FAR' FROM file, generate_series(1, 2) WHERE \(fragment: mine)
                """
            ]
        case .jobUndone: return ["UPDATE job SET state = 'cancelled', version = version + 1 WHERE \(fragment: job)"]
        case .loserWins: return ["INSERT INTO winner (task, index, attempt) SELECT \(fragment: row)"]
        case .loserAccepted:
            return [
                "INSERT INTO output (task, index, attempt, stream, events, counted) SELECT \(fragment: row), 's0', 0, true",
                """
                INSERT INTO accepted (task, index, attempt, stream, events)
                SELECT \(fragment: row), stream, 0 FROM task_stream WHERE task = \(key.task) AND main
                """,
            ]
        case .twoLeases:
            return [
                """
                INSERT INTO lease (task, index, attempt, holder, token, site, state)
                SELECT \(fragment: row), 1, gen_random_uuid(), 'LOCAL', 'leased' FROM generate_series(1, 2)
                """
            ]
        case .twoAttempts:
            return [
                """
                INSERT INTO attempt (task, index, attempt, token, site, agent, events_expected)
                SELECT task, index, n, gen_random_uuid(), 'LOCAL', 'a', events_expected
                FROM job, generate_series(1000, 1001) n WHERE \(fragment: job)
                """
            ]
        default: return nil
        }
    }

    private func onMerge(_ task: Int64) -> [SQL]? {
        switch self {
        case .mergedTwice:
            ["INSERT INTO merge_input SELECT * FROM (SELECT * FROM merge_input WHERE task = \(task) LIMIT 1) m"]
        case .mergeOfMerged:
            [
                """
                DELETE FROM accepted WHERE (task, index, stream) IN (
                    SELECT src_task, src_index, stream FROM merge_input WHERE task = \(task) LIMIT 1)
                """
            ]
        case .overlappingSlices:
            [
                """
                INSERT INTO unit_input (task, index, file, slice)
                SELECT task, index, file, int8range(upper(slice) - 1, upper(slice) + 5)
                FROM unit_input WHERE task = \(task) LIMIT 1
                """
            ]
        case .twoRanges:
            [
                """
                INSERT INTO waiting (task, first, last, class, priority)
                SELECT \(task), 1000000 + n, 1000010, 1, 100 FROM generate_series(1, 2) n
                """
            ]
        default: nil
        }
    }

    /// Merges what an attempt made that failed, as long as nothing of its job is accepted.
    private static func unaccepted(_ key: AttemptKey, _ merge: Int64) -> [SQL] {
        [
            "SELECT 1 FROM job WHERE task = \(key.task) AND index = \(key.index) FOR NO KEY UPDATE",
            """
            INSERT INTO merge_input (task, index, src_task, src_index, stream)
            SELECT \(merge), 0, \(key.task), \(key.index), stream FROM task_stream
            WHERE task = \(key.task) AND main
              AND NOT EXISTS (SELECT 1 FROM accepted a WHERE a.task = \(key.task) AND a.index = \(key.index))
            """,
        ]
    }

    private func onDataset(_ dataset: Int64, _ lfn: String) -> [SQL]? {
        switch self {
        case .intoClosed:
            ["INSERT INTO dataset_file (dataset, file) SELECT \(dataset), id FROM file WHERE lfn = \(lfn)"]
        case .outOfClosed:
            [
                """
                DELETE FROM dataset_file WHERE dataset = \(dataset)
                  AND file = (SELECT min(file) FROM dataset_file WHERE dataset = \(dataset))
                """
            ]
        case .reopened: ["UPDATE dataset SET state = 'open', version = version + 1 WHERE id = \(dataset)"]
        case .memberSwapped: ["UPDATE dataset_file SET file = file + 1 WHERE dataset = \(dataset)"]
        default: nil
        }
    }

    private static func again(_ transfer: Int64) -> SQL {
        """
        UPDATE transfer SET state = 'active', version = version + 1, token = gen_random_uuid(), lease_until = now()
        WHERE id = \(transfer)
        """
    }

    private var onAnything: [SQL]? {
        switch self {
        case .logChanged: ["UPDATE transition SET who = 'nobody' WHERE id = 1"]
        case .logCut: ["DELETE FROM transition WHERE id = 1"]
        case .requestReborn: ["UPDATE request SET state = 'new', version = version + 1 WHERE id = 1"]
        case .illegalMove: ["UPDATE site SET access = 'closed', version = version + 1 WHERE name = 'LOCAL'"]
        default: nil
        }
    }
}
