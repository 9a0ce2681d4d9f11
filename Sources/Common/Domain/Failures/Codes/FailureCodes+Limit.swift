extension FailureCodes {
    /// Limits: of the task, of the batch system and of the node.
    package static let limit: [FailureFacts] = [
        FailureFacts(
            .wallTime,
            "The attempt ran longer than its task's wall time and was ended.",
            do: "Raise the task's resources, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .memory,
            "The attempt used more memory than its task's limit and was ended.",
            do: "Raise the task's resources, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .disk,
            "The attempt used more disk than its task's limit and was ended.",
            do: "Raise the task's resources, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .memoryCgroup,
            "The control group of the attempt ran out of memory.",
            do: "Raise the task's memory, or find what leaks.",
            .payload,
            rank: 19
        ),
        FailureFacts(
            .memoryBatch,
            "The batch system ended the job because it used too much memory.",
            do: "Raise the task's memory, or ask the site for its limit.",
            .payload,
            rank: 19
        ),
        FailureFacts(
            .memoryKernel,
            "The kernel of the node killed a process of the attempt because memory ran out.",
            do: "See whether this job or another one used the memory; raise the task's memory if it was this.",
            .payload,
            rank: 18
        ),
        FailureFacts(
            .memoryAllocation,
            "The payload asked for memory and got none.",
            do: "Raise the task's memory, or find what leaks.",
            .payload,
            rank: 22
        ),
        FailureFacts(
            .memoryAddressSpace,
            "The payload reached the limit on its address space.",
            do: "Ask the site to limit resident memory and not the address space.",
            .payload,
            rank: 21
        ),
        FailureFacts(
            .memoryShared,
            "The shared memory of the node is full.",
            do: "Ask the site to clear or enlarge /dev/shm.",
            .site,
            rank: 22
        ),
        FailureFacts(
            .memoryDevice,
            "The memory of the graphics card ran out.",
            do: "Make the batches smaller, or ask for a larger card.",
            .payload,
            rank: 22
        ),
        FailureFacts(
            .wallTimeBatch,
            "The batch system ended the job at the end of its wall time.",
            do: "Raise the task's wall time, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .cpuTime,
            "The attempt used more CPU time than its task's limit and was ended.",
            do: "Raise the task's time, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .cpuTimeBatch,
            "The batch system ended the job at the end of its CPU time.",
            do: "Raise the task's time, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .slotTooShort,
            "The time left in the slot was not enough for the job.",
            do: "Ask the site for longer slots, or make the jobs smaller.",
            .site
        ),
        FailureFacts(
            .outputSize,
            "An output file is larger than the task allows.",
            do: "Make the jobs smaller, or raise the limit of the task.",
            .payload
        ),
        FailureFacts(
            .logSize,
            "The log is larger than the task allows.",
            do: "Find what the payload repeats in its log and silence it.",
            .payload
        ),
        FailureFacts(
            .inputSize,
            "The inputs of one job do not fit on the disk it may use.",
            do: "Give each job fewer inputs, or read them remotely.",
            .definition
        ),
        FailureFacts(
            .diskBatch,
            "The batch system ended the job because it used too much disk.",
            do: "Raise the task's disk, or make its jobs smaller.",
            .payload
        ),
        FailureFacts(
            .fileCount,
            "The attempt made more files than it may.",
            do: "Find what makes so many files.",
            .payload
        ),
        FailureFacts(
            .processes,
            "The attempt started more processes than it may.",
            do: "Find what starts so many processes.",
            .payload
        ),
        FailureFacts(
            .threads,
            "The attempt started more threads than it may.",
            do: "Set the number of threads to the number of cores.",
            .payload
        ),
        FailureFacts(
            .openFiles,
            "The attempt opened more files at once than it may.",
            do: "Merge fewer files in one job, or ask the site to raise the limit.",
            .payload
        ),
        FailureFacts(
            .fileSizeLimit,
            "A file became larger than the node allows.",
            do: "Make the jobs smaller, or ask the site to raise the limit.",
            .payload
        ),
        FailureFacts(
            .looping,
            "The attempt wrote nothing and used no CPU for a long time and was ended.",
            do: "Look at the stack that was taken before the end; see what it waited for.",
            .payload,
            rank: 25
        ),
        FailureFacts(
            .cpuIdle,
            "The attempt used almost no CPU for a long time and was ended.",
            do: "See what it waits for: a remote file, a database, a lock.",
            .payload,
            rank: 25
        ),
        FailureFacts(
            .noProgress,
            "The attempt used CPU but finished no event for a long time and was ended.",
            do: "Run the job from its last event on; it may be one endless event.",
            .payload,
            rank: 25
        ),
        FailureFacts(
            .cpuOveruse,
            "The attempt used more cores than it was given and was ended.",
            do: "Set the number of threads to the number of cores.",
            .payload
        ),
    ]
}
