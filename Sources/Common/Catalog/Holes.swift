import Postgres

/// Jobs that are done and of which nothing is left: each file that was accepted from them is lost, and so is everything that was made of these, in all
/// generations. Another version of their task makes them again.
enum Holes {
    /// That a job is one. What is asked first is answered by a small index: only a job that lost a file is looked at closely.
    ///
    /// - Parameters:
    ///   - task, index: the columns that name the job.
    ///   - whileRead: also if a job that began before the loss still reads one of the files: what it makes of it would be left. Whoever decides
    ///     what is done again says false; afterwards nobody can begin to read.
    static func isHole(task: StaticString, index: StaticString, whileRead: Bool = false) -> SQL {
        let accepted: SQL = """
            accepted ha JOIN output ho ON ho.task = ha.task AND ho.index = ha.index AND ho.attempt = ha.attempt AND ho.stream = ha.stream
            WHERE ha.task = \(unsafe: task) AND ha.index = \(unsafe: index) AND ho.file IS NOT NULL
            """
        return """
            CASE WHEN EXISTS (SELECT 1 FROM file hl WHERE hl.task = \(unsafe: task) AND hl.index = \(unsafe: index) AND hl.lost) THEN
                EXISTS (SELECT 1 FROM \(fragment: accepted)) AND NOT EXISTS (
                    WITH RECURSIVE of_job(file) AS (
                        SELECT ho.file FROM \(fragment: accepted)
                        UNION SELECT hp.file FROM of_job hj JOIN file_parent hp ON hp.parent = hj.file
                    ) SELECT 1 FROM of_job hj JOIN file hf ON hf.id = hj.file
                    WHERE NOT hf.lost OR NOT \(whileRead) AND EXISTS (
                        SELECT 1 FROM unit_input hu JOIN job hq ON hq.task = hu.task AND hq.index = hu.index
                        WHERE hu.file = hf.id AND hq.state IN ('active', 'recovering')))
            ELSE false END
            """
    }
}
