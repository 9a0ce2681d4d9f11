/// Who lacks a file that others have merged, where it depends on more than the file.
extension LostMergedTests {
    /// All that job 4.0 made of the file is lost as well.
    private static let nothingIsLeft = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO file (id, lfn, bytes, adler32, crc32c, events, task, index, attempt, lost) OVERRIDING SYSTEM VALUE
        VALUES (10, '/next/0', 5, '00000001', '00000001', 10, 4, 0, 1, true);
        INSERT INTO file_parent (file, parent) VALUES (10, 1);
        INSERT INTO output (task, index, attempt, stream, events, counted, file) VALUES (4, 0, 1, 'out', 10, true, 10);
        INSERT INTO winner (task, index, attempt) VALUES (4, 0, 1);
        INSERT INTO accepted (task, index, stream, attempt, events) VALUES (4, 0, 'out', 1, 10);
        SET LOCAL session_replication_role = origin;
        """

    /// It was, but a job that began before reads it. When that fails, nothing is left.
    private static let isStillRead = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO job (task, index, events_expected, state) VALUES (1, 7, 10, 'active');
        INSERT INTO unit_input (task, index, file, slice) VALUES (1, 7, 10, '[0,10)');
        SET LOCAL session_replication_role = origin;
        """

    /// Task 4 leaves out what was made already of what it reads, as a dataset has it.
    private static func without(_ made: String) -> String {
        "UPDATE task_input SET missing_in = '\(made)' WHERE task = 4;"
    }

    /// Tasks 4 and 5 read a container instead, in which the dataset is, and one with ten events of task 1.
    private static let gathered = """
        SET LOCAL session_replication_role = replica;
        INSERT INTO container (id, name, owner) OVERRIDING SYSTEM VALUE VALUES (9, 'all', 'ann');
        INSERT INTO container_member (container, dataset) VALUES (9, 1), (9, 3);
        UPDATE task_input SET dataset = NULL, container = 'all' WHERE task IN (4, 5);
        SET LOCAL session_replication_role = origin;
        """

    /// Task 5 has not begun, and nothing has come to it.
    private static let hasNotBegun = """
        SET LOCAL session_replication_role = replica;
        UPDATE task SET state = 'waiting', inputs_open = false, jobs_total = NULL, events_total = NULL WHERE id = 5;
        DELETE FROM input_feed WHERE task = 5;
        DELETE FROM pending_input WHERE task = 5;
        SET LOCAL session_replication_role = origin;
        """

    private static func atMost(_ events: Int) -> String {
        "UPDATE task_input SET events = \(events) WHERE task IN (4, 5);"
    }

    static let ofReaders: [Case] = [
        Case(
            "an earlier version has read it, and nothing of that is left",
            [merged, lost(1), continued("done"), nothingIsLeft],
            reader: "5 (next)"
        ),
        Case(
            "an earlier version has read it, and nothing of that will be left when a reader fails",
            [merged, lost(1), continued("done"), nothingIsLeft, isStillRead],
            reader: "5 (next)"
        ),
        Case("what it compares with has it", [merged, lost(1), waits, without("read")], isHeld: false),
        Case("what it compares with has not", [merged, lost(1), waits, without("made")], reader: "4 (next)"),
        Case(
            "how much it reads of what is left is not known",
            [merged, lost(1), limited(10), without("made")],
            reader: "4 (next)"
        ),
        Case("enough is left in a container", [merged, lost(1), waits, gathered, atMost(10)], isHeld: false),
        Case("not enough is left in a container", [merged, lost(1), waits, gathered, atMost(11)], reader: "4 (next)"),
        Case(
            "it was not in the container when an earlier version began",
            [merged, lost(1), continued("aborted"), gathered, hasNotBegun, "DELETE FROM unit_input WHERE task = 4;"],
            isHeld: false
        ),
        Case(
            "an earlier version has given up what it found in the container",
            [merged, lost(1), continued("aborted"), gathered, hasNotBegun],
            reader: "5 (next)"
        ),
        Case(
            "of what is left a later version reads less than an earlier one had not read",
            [merged, lost(1), continued("aborted"), gathered, hasNotBegun, atMost(10)],
            reader: "5 (next)"
        ),
    ]
}
