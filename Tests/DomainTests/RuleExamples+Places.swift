extension RuleExample {
    /// For each default rule of action about limits, software, sites and batch systems.
    static let places: [RuleExample] = [
        RuleExample("cancelled", fires: .init(9101, "cancelled by ops"), misses: .init(9104, "banned")),
        RuleExample("superseded", fires: .init(9102, "attempt 2 was accepted"), misses: .init(9104, "banned")),
        RuleExample(
            "duplicate-output",
            fires: .init(8212, "attempt 1 was accepted"),
            misses: .init(8211, "registration failed")
        ),
        RuleExample("moved", fires: .init(9105, "rebrokered"), misses: .init(9103, "task over")),
        RuleExample("definition", fires: .init(3002, "no variable X"), misses: .init(3001, "gone")),
        RuleExample("payload-not-found", fires: .init(1005, "gen does not exist"), misses: .init(1001, "gen failed")),
        RuleExample("arguments", fires: .init(1006, "unknown option --evnts"), misses: .init(1001, "exit code 1")),
        RuleExample(
            "usage",
            fires: .init(1001, "error: unrecognized arguments: --evnts"),
            misses: .init(1001, "unrecognized particle 99")
        ),
        RuleExample("configuration", fires: .init(1007, "bad key"), misses: .init(1008, "bad cast")),
        RuleExample("module-missing", fires: .init(1012, "No module named 'uproot'"), misses: .init(1013, "no tool")),
        RuleExample(
            "plug-in-missing",
            fires: .init(1013, "no component TrkFitter"),
            misses: .init(1012, "No module named x")
        ),
        RuleExample("geometry", fires: .init(1014, "no volume Tracker"), misses: .init(1016, "no events")),
        RuleExample("physics-list", fires: .init(1015, "FTFP_BRT is unknown"), misses: .init(1014, "no volume")),
        RuleExample("conditions-missing", fires: .init(1025, "no tag for run 7"), misses: .init(1024, "no answer")),
        RuleExample("code-missing", fires: .init(4031, "404 Not Found"), misses: .init(4004, "404 Not Found")),
        RuleExample("archive-broken", fires: .init(3007, "unexpected end of file"), misses: .init(3006, "no answer")),
        RuleExample("image-missing", fires: .init(4022, "no such image"), misses: .init(4023, "timed out")),
        RuleExample(
            "image-not-in-registry",
            fires: .init(4023, "manifest unknown: v9"),
            misses: .init(4023, "i/o timeout")
        ),
        RuleExample("output-name", fires: .init(8004, "300 characters"), misses: .init(8005, "no size")),
        RuleExample("inputs-mixed", fires: .init(7020, "runs 1 and 2"), misses: .init(7021, "0 bytes")),
        RuleExample(
            "memory-first",
            fires: .init(2002, "used 2100 MB", attempt: 1),
            misses: .init(2002, "used 2100 MB", attempt: 2)
        ),
        RuleExample(
            "memory-more",
            fires: .init(2002, "used 2100 MB", attempt: 2),
            misses: .init(2003, "used 9 GB", attempt: 2)
        ),
        RuleExample(
            "memory-killed-first",
            fires: .init(2004, "oom", attempt: 1),
            misses: .init(2004, "oom", attempt: 2)
        ),
        RuleExample(
            "memory-killed-more",
            fires: .init(2007, "bad_alloc", attempt: 3),
            misses: .init(2009, "shm full", attempt: 3)
        ),
        RuleExample(
            "memory-kernel-node",
            fires: .init(2006, "constraint=CONSTRAINT_NONE", attempt: 2),
            misses: .init(2006, "constraint=CONSTRAINT_MEMCG", attempt: 2)
        ),
        RuleExample(
            "memory-batch-removed",
            fires: .init(6001, "Job exceeded memory limit"),
            misses: .init(6001, "Job exceeded quota")
        ),
        RuleExample(
            "memory-in-words",
            fires: .init(1008, "terminate called after throwing std::bad_alloc"),
            misses: .init(1008, "terminate called after throwing std::bad_cast")
        ),
        RuleExample("memory-shared", fires: .init(2009, "/dev/shm"), misses: .init(2010, "cuda")),
        RuleExample("memory-device", fires: .init(2010, "CUDA out of memory"), misses: .init(2009, "/dev/shm")),
        RuleExample(
            "wall-time-first",
            fires: .init(2001, "ran longer than 3600 s", attempt: 1),
            misses: .init(2001, "ran longer than 3600 s", attempt: 2)
        ),
        RuleExample(
            "wall-time-more",
            fires: .init(2001, "ran longer", attempt: 2),
            misses: .init(2001, "ran longer", attempt: 3)
        ),
        RuleExample(
            "wall-time-split",
            fires: .init(2001, "ran longer", attempt: 3),
            misses: .init(2001, "ran longer", attempt: 2)
        ),
        RuleExample("time-limit", fires: .init(2011, "TIMEOUT"), misses: .init(2014, "too short")),
        RuleExample(
            "time-batch-removed",
            fires: .init(6001, "job killed: wall time"),
            misses: .init(6001, "job killed: node")
        ),
        RuleExample("signal-cpu-time", fires: .init(1124, "SIGXCPU"), misses: .init(1125, "SIGXFSZ")),
        RuleExample("slot-too-short", fires: .init(2014, "600 s left"), misses: .init(2013, "cpu time")),
        RuleExample(
            "disk-first",
            fires: .init(2003, "used 21 GB", attempt: 1),
            misses: .init(2003, "used 21 GB", attempt: 2)
        ),
        RuleExample(
            "disk-split",
            fires: .init(2003, "used 21 GB", attempt: 2),
            misses: .init(2002, "used 2 GB", attempt: 2)
        ),
        RuleExample("disk-batch", fires: .init(2024, "scratch limit"), misses: .init(2025, "90000 files")),
        RuleExample("output-too-large", fires: .init(2021, "6 GB"), misses: .init(2022, "3 GB")),
        RuleExample("log-too-large", fires: .init(2022, "2 GB of log"), misses: .init(2021, "6 GB")),
        RuleExample("inputs-too-large", fires: .init(2023, "19 GB"), misses: .init(2024, "scratch")),
        RuleExample("too-many-files", fires: .init(2025, "90000 files"), misses: .init(2024, "scratch")),
        RuleExample("process-limits", fires: .init(2033, "1024 files"), misses: .init(2041, "no output")),
        RuleExample("looping", fires: .init(2041, "2 h without output"), misses: .init(2051, "9 cores")),
        RuleExample("cpu-overuse", fires: .init(2051, "9 cores of 4"), misses: .init(2043, "no event")),
        RuleExample("wrapper-ended", fires: .init(3004, "silent"), misses: .init(3001, "gone")),
        RuleExample("wrapper-too-old", fires: .init(3005, "needs 2.1"), misses: .init(3006, "404")),
        RuleExample("unsupported", fires: .init(3017, "no containers"), misses: .init(3016, "KeyError")),
        RuleExample("sandbox", fires: .init(3006, "503"), misses: .init(3007, "bad archive")),
        RuleExample("work-folder", fires: .init(3009, "mkdir failed"), misses: .init(3010, "timed out")),
        RuleExample("site-scripts", fires: .init(3013, "prologue failed"), misses: .init(3015, "log")),
        RuleExample("software-hash", fires: .init(4002, "sha256 differs"), misses: .init(4001, "pip failed")),
        RuleExample("software-download", fires: .init(4004, "503"), misses: .init(4005, "no 11.2")),
        RuleExample("release-missing", fires: .init(4005, "no release 11.2"), misses: .init(4006, "setup failed")),
        RuleExample("library-missing", fires: .init(4007, "libGL.so.1"), misses: .init(4009, "no space")),
        RuleExample("cvmfs", fires: .init(4011, "/cvmfs/x is empty"), misses: .init(4010, "timed out")),
        RuleExample(
            "container-pull",
            fires: .init(4023, "429 Too Many Requests"),
            misses: .init(4022, "no such image")
        ),
        RuleExample("container", fires: .init(4025, "user namespaces"), misses: .init(4021, "no apptainer")),
        RuleExample("driver", fires: .init(4033, "CUDA driver version"), misses: .init(4034, "lock")),
        RuleExample("software-lock", fires: .init(4034, "lock held 600 s"), misses: .init(4033, "driver")),
        RuleExample("agent-restarted", fires: .init(5003, "the agent was restarted"), misses: .init(5002, "EAGAIN")),
        RuleExample("node-disk", fires: .init(5001, "no space left on /scratch"), misses: .init(5002, "EAGAIN")),
        RuleExample("node-inodes", fires: .init(5009, "no inodes"), misses: .init(5011, "load 900")),
        RuleExample("node-gone", fires: .init(5004, "node down"), misses: .init(5003, "agent restarted")),
        RuleExample("node-broken", fires: .init(5006, "/scratch is read-only"), misses: .init(5005, "rebooted")),
        RuleExample("node-full", fires: .init(5008, "9 MB free"), misses: .init(5009, "no inodes")),
        RuleExample("node-unfit", fires: .init(5017, "40 failures in 2 s each"), misses: .init(5021, "unreachable")),
        RuleExample("network", fires: .init(5021, "no route"), misses: .init(5017, "black hole")),
        RuleExample("shared-file-system", fires: .init(5031, "stale handle"), misses: .init(5041, "closed")),
        RuleExample("site-closed", fires: .init(5043, "downtime"), misses: .init(5032, "lock")),
        RuleExample("preempted", fires: .init(6005, "preempted"), misses: .init(6006, "held")),
        RuleExample("batch-silent", fires: .init(6003, "squeue: timed out"), misses: .init(6002, "unknown job")),
        RuleExample("batch-held", fires: .init(6006, "hold code 12"), misses: .init(6005, "preempted")),
        RuleExample("batch-node", fires: .init(6007, "NODE_FAIL"), misses: .init(6008, "second start")),
        RuleExample("batch-restarted", fires: .init(6008, "second start"), misses: .init(6007, "NODE_FAIL")),
        RuleExample("batch-full", fires: .init(6010, "MaxSubmitJobs"), misses: .init(6011, "token")),
        RuleExample("batch-account", fires: .init(6012, "no allocation left"), misses: .init(6013, "transfer")),
        RuleExample("batch-transfer", fires: .init(6013, "403 Forbidden"), misses: .init(6015, "rejected")),
        RuleExample("batch-start", fires: .init(6019, "starter exception"), misses: .init(6018, "LRMS error")),
    ]
}
