import Postgres

/// The slices of files that jobs read.
enum UnitInputs {
    /// That `u` of `unit_input` is of one job. Written so that it is answered by the key of jobs: the index that keeps slices from
    /// overlapping begins with the task, too, but cannot take an array. While the table was empty it looked as good; a plan made then read all slices of the task
    /// for each job (4,000 of them: 1.7 ms instead of 0.001, `auto_explain`, `millrace bench books --jobs 4000`).
    ///
    /// Whoever joins the slices with files, or wants each file once, puts this into a subquery with `OFFSET 0`: in the order of files, there is an
    /// index of them all, which looked as good.
    ///
    /// - Parameters: the columns that name the job.
    static func areOfJob(task: StaticString, index: StaticString) -> SQL {
        "u.task = ANY(ARRAY[\(unsafe: task)]) AND u.index = \(unsafe: index)"
    }
}
