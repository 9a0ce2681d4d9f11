extension RuleExample {
    /// For each default rule of blame.
    static let blame: [RuleExample] = [
        RuleExample(
            "exit-137",
            fires: .init(1001, "exit code 137 in step sim"),
            misses: .init(1001, "exit code 13 in step sim")
        ),
        RuleExample("exit-143", fires: .init(1001, "exit status 143"), misses: .init(1001, "exit code 3")),
        RuleExample(
            "exit-illegal-instruction",
            fires: .init(1001, "exit code 132 in step reco"),
            misses: .init(1001, "exit code 134 in step reco")
        ),
        RuleExample(
            "old-system-library",
            fires: .init(1001, "/lib64/libc.so.6: version `GLIBC_2.34' not found"),
            misses: .init(1001, "module Foo not found")
        ),
        RuleExample(
            "missing-library",
            fires: .init(1001, "error while loading shared libraries: libGL.so.1: cannot open shared object file"),
            misses: .init(1001, "error while loading geometry")
        ),
        RuleExample(
            "no-space",
            fires: .init(1020, "write: No space left on device"),
            misses: .init(1020, "write: File too large")
        ),
        RuleExample(
            "stale-mount",
            fires: .init(1001, "open: Stale file handle"),
            misses: .init(1001, "open: stale cache")
        ),
        RuleExample(
            "read-only-disk",
            fires: .init(1020, "mkdir: Read-only file system"),
            misses: .init(1020, "mkdir: File exists")
        ),
        RuleExample(
            "disk-error",
            fires: .init(1001, "read failed: Input/output error"),
            misses: .init(1001, "read failed: Invalid argument")
        ),
        RuleExample(
            "cvmfs-file",
            fires: .init(1008, "/cvmfs/sft.cern.ch/lib/libCore.so: file too short"),
            misses: .init(1008, "/data/libCore.so: file too short")
        ),
        RuleExample(
            "fork-failed",
            fires: .init(1001, "bash: fork: retry: Resource temporarily unavailable"),
            misses: .init(1001, "Resource temporarily unavailable")
        ),
        RuleExample(
            "frontier",
            fires: .init(1008, "Frontier error: no more proxies"),
            misses: .init(1008, "Front end error")
        ),
        RuleExample(
            "database-client",
            fires: .init(1008, "ORA-12541: TNS:no listener"),
            misses: .init(1008, "ORACLE_HOME is not set")
        ),
        RuleExample(
            "licence-server",
            fires: .init(1009, "License checkout failed: FlexNet error -5"),
            misses: .init(1009, "see the license file for terms")
        ),
        RuleExample(
            "name-resolution",
            fires: .init(8101, "curl: (6) Could not resolve host: se.desy.de"),
            misses: .init(8101, "curl: (22) 404")
        ),
        RuleExample(
            "connection-lost",
            fires: .init(1001, "connect: Connection timed out"),
            misses: .init(1001, "step timed out")
        ),
        RuleExample(
            "certificate",
            fires: .init(7018, "SSL: certificate has expired"),
            misses: .init(7018, "certificate request sent")
        ),
        RuleExample(
            "credential-expired",
            fires: .init(8101, "gfal: Proxy has expired"),
            misses: .init(8101, "cache entry has expired")
        ),
        RuleExample(
            "remote-read",
            fires: .init(1001, "Error in <TNetXNGFile::Open>: [ERROR] Operation expired"),
            misses: .init(1001, "Error in <TTree::Fill>")
        ),
        RuleExample(
            "node-out-of-memory",
            fires: .init(2006, "oom-kill:constraint=CONSTRAINT_NONE,task=python"),
            misses: .init(2006, "oom-kill:constraint=CONSTRAINT_MEMCG,task=python")
        ),
        RuleExample(
            "batch-removed-memory",
            fires: .init(6001, "job removed: memory limit of 2048 MB exceeded"),
            misses: .init(6001, "job removed by the administrator")
        ),
        RuleExample(
            "batch-removed-time",
            fires: .init(6001, "CANCELLED DUE TO TIME LIMIT"),
            misses: .init(6001, "CANCELLED DUE TO NODE FAILURE")
        ),
        RuleExample(
            "lost-output",
            fires: .init(8101, "source file out.root does not exist"),
            misses: .init(8101, "destination folder does not exist")
        ),
        RuleExample(
            "image-unknown",
            fires: .init(4023, "manifest unknown: tag v9"),
            misses: .init(4023, "dial tcp: i/o timeout")
        ),
        RuleExample(
            "input-missing-again",
            fires: .init(7001, "not there", attempt: 3),
            misses: .init(7001, "not there", attempt: 2)
        ),
        RuleExample(
            "input-damaged-again",
            fires: .init(7007, "ends at 12 of 99 bytes", attempt: 3),
            misses: .init(7007, "ends at 12 of 99 bytes", attempt: 1)
        ),
        RuleExample(
            "input-checksum-again",
            fires: .init(7002, "adler32 differs", attempt: 4),
            misses: .init(7002, "adler32 differs", attempt: 2)
        ),
        RuleExample(
            "input-open-again",
            fires: .init(7008, "cannot open", attempt: 4),
            misses: .init(7008, "cannot open", attempt: 3)
        ),
        RuleExample(
            "merge-input",
            fires: .init(1001, "hadd: file a.root is a Zombie", kind: "merge"),
            misses: .init(1001, "hadd: file a.root is a Zombie", kind: "simulate")
        ),
    ]
}
