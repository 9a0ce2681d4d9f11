import Postgres

/// What is shown of a log.
enum LogText {
    /// The last line of the log of `attempt a` that holds more than blanks, at most 400 characters; empty or null when
    /// there is none. Only the end of a log is looked at.
    static let lastLine: SQL = """
        left(btrim(reverse(split_part(reverse(rtrim(right(a.log, 4000), E' \\t\\r\\n')), E'\\n', 1)), E' \\t\\r'), 400)
        """
}
