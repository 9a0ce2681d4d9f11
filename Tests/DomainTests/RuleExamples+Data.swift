extension RuleExample {
    /// For each default rule of action about data, the centre and payloads, and for the last resorts.
    static let data: [RuleExample] = [
        RuleExample("wrapper", fires: .init(3001, "gone"), misses: .init(4001, "pip failed")),
        RuleExample("software", fires: .init(4001, "pip failed"), misses: .init(3001, "gone")),
        RuleExample("site", fires: .init(5002, "EAGAIN"), misses: .init(6001, "removed")),
        RuleExample("batch-system", fires: .init(6001, "removed by administrator"), misses: .init(7001, "missing")),
        RuleExample("input-missing", fires: .init(7001, "a.root is not on DESY"), misses: .init(7003, "no storage")),
        RuleExample("input-damaged", fires: .init(7007, "ends early"), misses: .init(7008, "cannot open")),
        RuleExample("input-checksum", fires: .init(7002, "adler32"), misses: .init(7004, "timed out")),
        RuleExample(
            "input-open-report",
            fires: .init(7008, "cannot open", attempt: 3),
            misses: .init(7008, "cannot open", attempt: 2)
        ),
        RuleExample(
            "input-open",
            fires: .init(7008, "cannot open", attempt: 1),
            misses: .init(7010, "stalled", attempt: 1)
        ),
        RuleExample("input-slow", fires: .init(7010, "no byte for 600 s"), misses: .init(7011, "none")),
        RuleExample("input-timeout", fires: .init(7004, "3600 s"), misses: .init(7005, "permission")),
        RuleExample("input-busy", fires: .init(7019, "too many requests"), misses: .init(7018, "credential")),
        RuleExample("input-permission", fires: .init(7005, "permission denied"), misses: .init(7004, "timed out")),
        RuleExample("input-credential", fires: .init(7018, "no proxy"), misses: .init(7017, "no answer")),
        RuleExample("no-replica", fires: .init(7011, "0 replicas"), misses: .init(7012, "tape")),
        RuleExample("input-on-tape", fires: .init(7012, "NEARLINE"), misses: .init(7011, "0 replicas")),
        RuleExample("input-space", fires: .init(7013, "no space"), misses: .init(7014, "format")),
        RuleExample("input-content", fires: .init(7014, "not a ROOT file"), misses: .init(7013, "no space")),
        RuleExample("input-empty", fires: .init(7021, "0 bytes"), misses: .init(7020, "mixed")),
        RuleExample("input-declared-bad", fires: .init(7022, "declared bad"), misses: .init(7023, "xrdcp")),
        RuleExample("input-catalogue", fires: .init(7017, "503"), misses: .init(7018, "no proxy")),
        RuleExample("input-secondary", fires: .init(7024, "no pile-up"), misses: .init(7023, "xrdcp")),
        RuleExample("input-data", fires: .init(7023, "xrdcp: error"), misses: .init(8101, "xrdcp: error")),
        RuleExample("output-missing", fires: .init(8001, "gen.dat"), misses: .init(8005, "no size")),
        RuleExample("stage-out-full", fires: .init(8103, "no space on SE"), misses: .init(8102, "denied")),
        RuleExample("stage-out-closed", fires: .init(8113, "read-only"), misses: .init(8111, "busy")),
        RuleExample("stage-out-timeout", fires: .init(8104, "1800 s"), misses: .init(8105, "adler32")),
        RuleExample("stage-out-busy", fires: .init(8111, "429"), misses: .init(8112, "quota")),
        RuleExample("stage-out-permission", fires: .init(8102, "permission denied"), misses: .init(8103, "full")),
        RuleExample("stage-out-credential", fires: .init(8108, "no proxy"), misses: .init(8109, "protocol")),
        RuleExample("stage-out-exists", fires: .init(8107, "exists"), misses: .init(8106, "unreachable")),
        RuleExample(
            "stage-out-source",
            fires: .init(8101, "source file out.root does not exist"),
            misses: .init(8101, "connection reset")
        ),
        RuleExample("stage-out", fires: .init(8101, "connection reset"), misses: .init(8001, "gen.dat")),
        RuleExample("books-away", fires: .init(8210, "no answer"), misses: .init(8209, "taken")),
        RuleExample("books-refused", fires: .init(8203, "7 events of 8"), misses: .init(8101, "reset")),
        RuleExample("output", fires: .init(8005, "no size"), misses: .init(7023, "xrdcp")),
        RuleExample("agent-lost", fires: .init(9001, "silent"), misses: .init(9002, "does not know the attempt")),
        RuleExample("agent-forgot", fires: .init(9002, "does not know the attempt"), misses: .init(9001, "silent")),
        RuleExample("token", fires: .init(9004, "expired"), misses: .init(9006, "lease lost")),
        RuleExample("never-started", fires: .init(9007, "4 h in the queue"), misses: .init(9008, "no centre")),
        RuleExample("centre-away", fires: .init(9009, "broker down"), misses: .init(9007, "never started")),
        RuleExample("agent-too-old", fires: .init(9012, "version 1"), misses: .init(9013, "drained")),
        RuleExample("agent-drained", fires: .init(9013, "drained"), misses: .init(9012, "version 1")),
        RuleExample("centre", fires: .init(9003, "bad signature"), misses: .init(8005, "no size")),
        RuleExample("killed", fires: .init(1109, "SIGKILL"), misses: .init(1108, "SIGFPE")),
        RuleExample("terminated", fires: .init(1115, "SIGTERM"), misses: .init(1113, "SIGPIPE")),
        RuleExample("illegal-instruction", fires: .init(1104, "SIGILL"), misses: .init(1106, "SIGABRT")),
        RuleExample("segmentation", fires: .init(1111, "SIGSEGV"), misses: .init(1113, "SIGPIPE")),
        RuleExample("bus-error", fires: .init(1107, "SIGBUS"), misses: .init(1108, "SIGFPE")),
        RuleExample("numeric", fires: .init(1108, "SIGFPE"), misses: .init(1107, "SIGBUS")),
        RuleExample("conditions", fires: .init(1024, "Frontier: no answer"), misses: .init(1025, "no tag")),
        RuleExample("services", fires: .init(1027, "no licence"), misses: .init(1025, "no tag")),
        RuleExample("asked-again", fires: .init(1023, "please again"), misses: .init(1022, "post step")),
        RuleExample("generator", fires: .init(1016, "no event in 1000000 tries"), misses: .init(1017, "event 7")),
        RuleExample("bad-event", fires: .init(1017, "event 7"), misses: .init(1018, "nan")),
        RuleExample("payload-write", fires: .init(1020, "write error"), misses: .init(1019, "checks")),
        RuleExample(
            "not-found-127",
            fires: .init(1001, "exit code 127 in step sim"),
            misses: .init(1001, "exit code 12 in step sim")
        ),
        RuleExample(
            "merge-payload",
            fires: .init(1001, "exit code 1", kind: "merge"),
            misses: .init(1001, "exit code 1", kind: "simulate")
        ),
        RuleExample(
            "payload-of-site",
            fires: .init(1001, "read failed: Input/output error"),
            misses: .init(1001, "read failed")
        ),
        RuleExample(
            "payload-of-network",
            fires: .init(1001, "connect: Connection timed out"),
            misses: .init(1001, "connect: bad address")
        ),
        RuleExample(
            "payload-of-infrastructure",
            fires: .init(1008, "ORA-12541"),
            misses: .init(1008, "std::exception")
        ),
        RuleExample(
            "payload-of-data",
            fires: .init(1001, "hadd: file is a Zombie", kind: "merge"),
            misses: .init(1001, "hadd: file is empty", kind: "merge")
        ),
        RuleExample("payload", fires: .init(1001, "exit code 1"), misses: .init(2001, "ran longer")),
        RuleExample("limit", fires: .init(2099, "another limit"), misses: .init(3001, "gone")),
        RuleExample("anything-else", fires: .init(0, "not a code"), misses: .init(1001, "exit code 1")),
    ]
}
