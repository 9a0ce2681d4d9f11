extension RuleSet {
    /// Whose fault it is where the code alone would say something else: mostly what a payload tells in its last
    /// words. Sources: PanDA's and CRAB's tables of errors, and what operators of both wrote about them.
    static let defaultBlame: [BlameRule] = [
        BlameRule(
            name: "exit-137",
            priority: 100,
            match: .init(codes: 1001...1001, pattern: #"\bexit (code|status) 137\b"#),
            blame: .site,
            why: "137 is mostly a kill by the batch system that nobody announced."
        ),
        BlameRule(
            name: "exit-143",
            priority: 100,
            match: .init(codes: 1001...1001, pattern: #"\bexit (code|status) 143\b"#),
            blame: .site,
            why: "143 is SIGTERM, sent by whoever owns the slot."
        ),
        BlameRule(
            name: "exit-illegal-instruction",
            priority: 100,
            match: .init(codes: 1001...1001, pattern: #"\bexit (code|status) 132\b|(?:I|i)llegal instruction"#),
            blame: .site,
            why: "The processor of the node is older than the one the software was built for."
        ),
        BlameRule(
            name: "old-system-library",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"GLIBC(XX)?_[0-9.]+'? not found"#),
            blame: .site,
            why: "The system of the node is older than the one the software was built for."
        ),
        BlameRule(
            name: "missing-library",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"error while loading shared libraries"#),
            blame: .site,
            why: "A library of the node's system is missing."
        ),
        BlameRule(
            name: "no-space",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"No space left on device|Disk quota exceeded"#),
            blame: .site,
            why: "The node's disk is full: the payload is not to blame for writing."
        ),
        BlameRule(
            name: "stale-mount",
            priority: 100,
            match: .init(codes: 1000...4999, pattern: #"Stale (NFS )?file handle|Transport endpoint is not connected"#),
            blame: .site,
            why: "A mounted file system went away under the job."
        ),
        BlameRule(
            name: "read-only-disk",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"Read-only file system"#),
            blame: .site,
            why: "Linux makes a broken disk read-only."
        ),
        BlameRule(
            name: "disk-error",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"Input/output error"#),
            blame: .site,
            why: "The disk of the node, or what is mounted on it, is broken."
        ),
        BlameRule(
            name: "cvmfs-file",
            priority: 90,
            match: .init(
                codes: 1000...1999,
                pattern: #"/cvmfs/\S+ *: .*file too short|cvmfs.*(Input/output error|not connected)"#
            ),
            blame: .site,
            why: "A library that is too short is a broken CVMFS cache, whatever exception the payload makes of it."
        ),
        BlameRule(
            name: "fork-failed",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"fork: (retry: )?Resource temporarily unavailable|fork failed"#),
            blame: .site,
            why: "The node has no more processes to give."
        ),
        BlameRule(
            name: "frontier",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"(?i)frontier|squid"#),
            blame: .infrastructure,
            why: "Conditions come through caches that serve everybody."
        ),
        BlameRule(
            name: "database-client",
            priority: 100,
            match: .init(
                codes: 1000...1999,
                pattern: #"ORA-[0-9]{5}|could not connect to server|Too many connections"#
            ),
            blame: .infrastructure,
            why: "A database for everybody is in trouble, not this job."
        ),
        BlameRule(
            name: "licence-server",
            priority: 100,
            match: .init(codes: 1000...1999, pattern: #"(?i)licen[cs]e (server|checkout|manager|request)|FlexNet"#),
            blame: .infrastructure,
            why: "Licences are shared by everybody."
        ),
        BlameRule(
            name: "name-resolution",
            priority: 100,
            match: .init(
                codes: 1000...8999,
                pattern: #"Temporary failure in name resolution|Could not resolve host|Name or service not known"#
            ),
            blame: .network,
            why: "Names are resolved by the network."
        ),
        BlameRule(
            name: "connection-lost",
            priority: 110,
            match: .init(
                codes: 1000...1999,
                pattern: #"Connection (refused|timed out|reset by peer)|Network is unreachable|No route to host"#
            ),
            blame: .network,
            why: "A payload that talks to the outside fails when the network does."
        ),
        BlameRule(
            name: "certificate",
            priority: 100,
            match: .init(
                codes: 1000...8999,
                pattern: #"certificate has expired|certificate verify failed|self.signed certificate"#
            ),
            blame: .infrastructure,
            why: "Certificates are ours to renew."
        ),
        BlameRule(
            name: "credential-expired",
            priority: 100,
            match: .init(codes: 1000...8999, pattern: #"(?i)(proxy|credential|token) (has |is |have )?expired"#),
            blame: .infrastructure,
            why: "Credentials are ours to renew."
        ),
        BlameRule(
            name: "remote-read",
            priority: 120,
            match: .init(
                codes: 1000...1999,
                pattern: #"TNetXNGFile|\[ERROR\] (Server responded|Operation expired|Socket timeout|Connection error)"#
            ),
            blame: .site,
            why: "A file that cannot be read remotely is first of all a matter of the storage there."
        ),
        BlameRule(
            name: "node-out-of-memory",
            priority: 100,
            match: .init(codes: 2006...2006, pattern: #"(?i)constraint=CONSTRAINT_NONE|system (oom|out of memory)"#),
            blame: .site,
            why: "Without a limit in force the whole node was full, and this attempt only the largest on it."
        ),
        BlameRule(
            name: "batch-removed-memory",
            priority: 100,
            match: .init(codes: 6001...6001, pattern: #"(?i)out of memory|oom.?kill|memory limit|vmem"#),
            blame: .payload,
            why: "The batch system removed the job because of what it used."
        ),
        BlameRule(
            name: "batch-removed-time",
            priority: 100,
            match: .init(codes: 6001...6001, pattern: #"(?i)wall.?time|time limit|cput\b"#),
            blame: .payload,
            why: "The batch system removed the job because of what it used."
        ),
        BlameRule(
            name: "lost-output",
            priority: 100,
            match: .init(codes: 8101...8101, pattern: #"(?i)(local|source) file .*(missing|not exist|not found)"#),
            blame: .payload,
            why: "What was never written cannot be copied."
        ),
        BlameRule(
            name: "image-unknown",
            priority: 100,
            match: .init(codes: 4023...4023, pattern: #"manifest unknown|repository does not exist"#),
            blame: .definition,
            why: "The registry answers, and does not have the image."
        ),
        BlameRule(
            name: "input-missing-again",
            priority: 100,
            match: .init(codes: 7001...7001, attempts: 3...RuleCheck.attempts.upperBound),
            blame: .data,
            why: "Missed in three attempts, at other sites if there were any: the catalogue is wrong."
        ),
        BlameRule(
            name: "input-damaged-again",
            priority: 100,
            match: .init(codes: 7006...7007, attempts: 3...RuleCheck.attempts.upperBound),
            blame: .data,
            why: "Damaged in three attempts: it is the file and not one replica."
        ),
        BlameRule(
            name: "input-checksum-again",
            priority: 100,
            match: .init(codes: 7002...7002, attempts: 3...RuleCheck.attempts.upperBound),
            blame: .data,
            why: "Damaged in three attempts: it is the file and not one replica."
        ),
        BlameRule(
            name: "input-open-again",
            priority: 100,
            match: .init(codes: 7008...7009, attempts: 4...RuleCheck.attempts.upperBound),
            blame: .data,
            why: "Four attempts could not read it."
        ),
        BlameRule(
            name: "merge-input",
            priority: 95,
            match: .init(
                codes: 1000...1999,
                pattern: #"(?i)zombie|not a root file|cannot open|truncated"#,
                taskKind: "merge"
            ),
            blame: .data,
            why: "A merge does hardly anything but read: what it cannot read is the data's fault."
        ),
    ]
}
