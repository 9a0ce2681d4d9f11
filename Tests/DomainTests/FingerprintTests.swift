import Domain
import Testing

/// Messages that differ only in what differs from one attempt to the next are the same failure.
@Suite struct FingerprintTests {
    private static let same: [(String, String)] = [
        // Of the first version, kept.
        ("exit code 1 in step make", "exit code 2 in step make"),
        ("cannot open /data/a/b.root", "cannot open /scratch/x"),
        ("lost contact with wn12.desy.de", "lost contact with wn7.desy.de"),
        // ROOT
        (
            "Error in <TFile::TFile>: file /tmp/job12/hits.root does not exist",
            "Error in <TFile::TFile>: file ./out_7.root does not exist"
        ),
        (
            "Error in <TFile::ReadBuffer>: error reading all requested bytes from file a_12.root, got 1432 of 300000",
            "Error in <TFile::ReadBuffer>: error reading all requested bytes from file zz.root, got 0 of 12"
        ),
        (
            "Warning in <TFile::Init>: file /x/y.root probably not closed, trying to recover",
            "Warning in <TFile::Init>: file /z/abc_000123.root probably not closed, trying to recover"
        ),
        (
            "Error in <TNetXNGFile::Open>: [ERROR] Server responded with an error: [3011] No such file or directory",
            "Error in <TNetXNGFile::Open>: [ERROR] Server responded with an error: [3010] No such file or directory"
        ),
        (
            "Fatal in <TClass::Init>: stack 0x7ffd12ab34cd at line 217",
            "Fatal in <TClass::Init>: stack 0x55e0 at line 9"
        ),
        (
            """
            Error in <TBasket::Streamer>: The value of fNbytes is incorrect (-2133419) ; trying to recover by \
            setting it to zero
            """,
            """
            Error in <TBasket::Streamer>: The value of fNbytes is incorrect (-7) ; trying to recover by \
            setting it to zero
            """
        ),
        // Geant4
        (
            """
            G4Exception : GeomNav0003 issued by : G4Navigator::ComputeStep() Stuck Track: potential geometry \
            or navigation problem. Track stuck, not moving for 25 steps
            """,
            """
            G4Exception : GeomNav0003 issued by : G4Navigator::ComputeStep() Stuck Track: potential geometry \
            or navigation problem. Track stuck, not moving for 10 steps
            """
        ),
        (
            "Event 4711: energy deposit 12.5 GeV above limit in volume 'EcalBarrel_17'",
            "Event 3: energy deposit 901 MeV above limit in volume 'HcalEndcap_2'"
        ),
        (
            "*** G4Exception: Fatal Exception core dump *** at (12.5,-3.0e-5,871.33) mm",
            "*** G4Exception: Fatal Exception core dump *** at (0.1,7,99) mm"
        ),
        // Gaudi, Athena
        (
            "EventLoopMgr ERROR Terminating event processing loop due to errors in event 1234 run 358031",
            "EventLoopMgr ERROR Terminating event processing loop due to errors in event 9 run 1"
        ),
        (
            "AthenaEventLoopMgr 2026-11-21 11:40:13,123 FATAL Unable to initialize service 'GeoModelSvc'",
            "AthenaEventLoopMgr 2025-01-02 03:04:05 FATAL Unable to initialize service 'DetDescrCnvSvc'"
        ),
        (
            "11:40:13 EVENT 12 FATAL FPEAuditor FPE INVALID in [Execute] of [TrkAlg]",
            "03:04:05 EVENT 99812 FATAL FPEAuditor FPE INVALID in [Execute] of [TrkAlg]"
        ),
        (
            "ToolSvc.TrackFitter ERROR could not retrieve 3 of 17 hits",
            "ToolSvc.TrackFitter ERROR could not retrieve 11 of 12 hits"
        ),
        // CMSSW
        (
            "Begin Fatal Exception 21-Nov-2026 11:40:13 CET An exception of category 'FileOpenError' occurred",
            "Begin Fatal Exception 02-Jan-2025 01:02:03 UTC An exception of category 'FileOpenError' occurred"
        ),
        (
            "Processing Event run: 315257 lumi: 45 event: 40761412 stream: 3",
            "Processing Event run: 1 lumi: 2 event: 3 stream: 0"
        ),
        (
            "cmsRun: CMSSW_14_0_7 release is not available on el8_amd64_gcc12",
            "cmsRun: CMSSW_13_3_1 release is not available on el9_amd64_gcc11"
        ),
        (
            "Failed to open the file 'root://xrootd.cern.ch//store/data/Run2024/a.root'",
            "Failed to open the file 'root://cmsxrootd.fnal.gov//store/mc/b.root'"
        ),
        // Python
        (
            "File \"/home/u1/run.py\", line 12, in <module> KeyError: 'energy'",
            "File \"/scratch/x/run.py\", line 340, in <module> KeyError: 'momentum'"
        ),
        ("ModuleNotFoundError: No module named 'uproot'", "ModuleNotFoundError: No module named 'awkward'"),
        (
            "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='a.b.ch', port=443): Max retries exceeded",
            """
            requests.exceptions.ConnectionError: HTTPSConnectionPool(host='se.desy.de', port=8443): Max \
            retries exceeded
            """
        ),
        ("<urlopen error [Errno 110] Connection timed out>", "<urlopen error [Errno 60] Connection timed out>"),
        (
            "numpy.core._exceptions.MemoryError: Unable to allocate 1.5 GiB for an array with shape (1000, 200)",
            "numpy.core._exceptions.MemoryError: Unable to allocate 731 MiB for an array with shape (3, 4, 5)"
        ),
        ("<object at 0x7f2a1c0d> was never awaited", "<object at 0x10e4> was never awaited"),
        // bash
        ("./run.sh: line 12: gensim: command not found", "/tmp/x12/run.sh: line 7: gensim: command not found"),
        (
            "bash: fork: retry: Resource temporarily unavailable (pid 4711)",
            "bash: fork: retry: Resource temporarily unavailable (pid 2)"
        ),
        (
            "run.sh: line 40: 12345 Segmentation fault (core dumped) ./sim -n 100",
            "run.sh: line 40: 9 Segmentation fault (core dumped) ./sim -n 7"
        ),
        (
            "rm: cannot remove '/scratch/job1/x': Device or resource busy",
            "rm: cannot remove '/data/y': Device or resource busy"
        ),
        // curl, wget
        (
            "curl: (7) Failed to connect to se.desy.de port 2880 after 130211 ms: Connection timed out",
            "curl: (7) Failed to connect to dcache.kit.edu port 1094 after 21 ms: Connection timed out"
        ),
        (
            "curl: (22) The requested URL returned error: 503 https://a.b.ch/x?y=1&t=ab12",
            "curl: (22) The requested URL returned error: 503 https://c.d.org/"
        ),
        ("curl: (6) Could not resolve host: pypi.org", "curl: (6) Could not resolve host: files.pythonhosted.org"),
        // xrdcp, davix, gfal
        (
            """
            [ERROR] Server responded with an error: [3010] permission denied (source \
            root://se01.desy.de:1094//pnfs/a)
            """,
            "[ERROR] Server responded with an error: [3010] permission denied (source root://se9.gridka.de//x/y/z)"
        ),
        ("Run: [ERROR] Operation expired: (source) after 1800s", "Run: [ERROR] Operation expired: (source) after 30s"),
        (
            "davix: (Davix::HttpRequest) Error: HTTP 403 : Permission refused, after 3 attempts",
            "davix: (Davix::HttpRequest) Error: HTTP 403 : Permission refused, after 1 attempts"
        ),
        (
            """
            gfal-copy error: 70 (Communication error on send) - TRANSFER globus_ftp_client: the operation was \
            aborted at 131.169.4.5
            """,
            """
            gfal-copy error: 70 (Communication error on send) - TRANSFER globus_ftp_client: the operation was \
            aborted at 10.0.0.1
            """
        ),
        (
            "gfal-copy error: 17 (File exists) - davs://se.desy.de:2880/x/1.root",
            "gfal-copy error: 17 (File exists) - davs://b.c.de/z"
        ),
        (
            "checksum mismatch: adler32 1a2b3c4d expected 99ffee01",
            "checksum mismatch: adler32 00000001 expected deadbe17"
        ),
        // Slurm, HTCondor, ARC
        (
            "slurmstepd: error: *** JOB 4711 ON wn12 CANCELLED AT 2026-11-21T11:40:13 DUE TO TIME LIMIT ***",
            "slurmstepd: error: *** JOB 99 ON wn7 CANCELLED AT 2025-01-02T03:04:05 DUE TO TIME LIMIT ***"
        ),
        (
            """
            slurmstepd: error: Detected 1 oom_kill event in StepId=4711.batch. Some of the step tasks have \
            been OOM Killed.
            """,
            """
            slurmstepd: error: Detected 3 oom_kill event in StepId=12.batch. Some of the step tasks have been \
            OOM Killed.
            """
        ),
        ("srun: error: Node failure on node[12-17]", "srun: error: Node failure on node[3]"),
        (
            """
            Error from slot1_3@wn12.desy.de: Job has gone over memory limit of 2048 megabytes. Peak usage: \
            2100 megabytes.
            """,
            """
            Error from slot2_17@wn9.kit.edu: Job has gone over memory limit of 4000 megabytes. Peak usage: \
            4100 megabytes.
            """
        ),
        (
            "Job 4711.0 held: cannot access initial working directory /home/a/b",
            "Job 12.7 held: cannot access initial working directory /data/x"
        ),
        (
            "The job exceeded allowed execute duration of 2+00:00:00",
            "The job exceeded allowed execute duration of 0+12:30:00"
        ),
        ("LRMS error: (271) job killed: wall", "LRMS error: (-1) job killed: wall"),
        // Kernel
        (
            "Out of memory: Killed process 4711 (python3) total-vm:8123456kB, anon-rss:4012345kB, UID:1000",
            "Out of memory: Killed process 9 (python3) total-vm:1kB, anon-rss:22kB, UID:7"
        ),
        (
            """
            oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/slurm/uid_1000/job_4711/step_batc\
            h,task=sim,pid=77
            """,
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),task_memcg=/slurm/uid_3/job_1/step_0,task=sim,pid=1"
        ),
        (
            "EXT4-fs error (device sda3): ext4_find_entry:1455: inode #2: comm sim: reading directory lblock 0",
            "EXT4-fs error (device sda1): ext4_find_entry:1455: inode #91: comm sim: reading directory lblock 77"
        ),
        // CVMFS, conditions, libraries
        (
            "/cvmfs/sft.cern.ch/lcg/lib/libCore.so: file too short",
            "/cvmfs/atlas.cern.ch/repo/lib/libX.so: file too short"
        ),
        (
            "Failed to initialize root file catalog (16 - file catalog failure) for atlas.cern.ch",
            "Failed to initialize root file catalog (9 - file catalog failure) for sft.cern.ch"
        ),
        (
            """
            Frontier: No more servers/proxies, last error: Request 14 on chan 2 failed at Sat Nov 21 11:40:13 \
            2026: connect timed out
            """,
            """
            Frontier: No more servers/proxies, last error: Request 1 on chan 9 failed at Thu Jan 2 03:04:05 \
            2025: connect timed out
            """
        ),
        (
            "ORA-12541: TNS:no listener (host=db1.cern.ch)(port=1521)",
            "ORA-12541: TNS:no listener (host=db7.desy.de)(port=10121)"
        ),
        (
            "/lib64/libc.so.6: version `GLIBC_2.34' not found (required by /x/y)",
            "/usr/lib/libc.so.6: version `GLIBC_2.38' not found (required by ./sim)"
        ),
        (
            "error while loading shared libraries: libGL.so.1: cannot open shared object file",
            "error while loading shared libraries: libGL.so.2: cannot open shared object file"
        ),
        // Ids, addresses, times
        (
            "pilot 6f9619ff-8b86-d011-b42d-00c04fc964ff timed out",
            "pilot 00000000-1111-2222-3333-444444444444 timed out"
        ),
        ("connect to [2001:db8::1]:1094 refused", "connect to [fe80::a:b:c:1]:1 refused"),
        ("connect to 10.1.2.3:1094 refused", "connect to se01.desy.de:2880 refused"),
        ("request a8f3kd92m1x7 took 3h 12m 5s", "request q1w2e3r4t5y6 took 4s"),
        ("mail to alice@desy.de bounced", "mail to bob.b@cern.ch bounced"),
        ("took too long: 2 days, 3:04:05", "took too long: 17 s"),
        ("missing files: a.root, b.root, c.root", "missing files: z_12.root"),
    ]

    @Test func thereAreEnoughPairs() {
        #expect(Self.same.count >= 50 && Self.different.count >= 20)
    }

    @Test(arguments: Self.same) func whatDiffersBetweenAttemptsIsRemoved(one: String, other: String) {
        #expect(Fingerprint.normalise(one) == Fingerprint.normalise(other))
        #expect(Fingerprint.normalise(one).count >= 8)
    }

    private static let different: [(String, String)] = [
        ("no space left", "permission denied"),
        ("cannot open /data/a: No such file or directory", "cannot open /data/a: Permission denied"),
        ("curl: (7) Failed to connect to a.b.ch port 1", "curl: (6) Could not resolve host: a.b.ch"),
        ("signal 11 (SIGSEGV) in step sim", "signal 6 (SIGABRT) in step sim"),
        ("exit code 1 in step sim", "exit code 1 in step reco"),
        ("error while loading shared libraries: libGL.so.1", "error while loading shared libraries: libX11.so.6"),
        ("requests.exceptions.ConnectionError: x", "requests.exceptions.ReadTimeout: x"),
        ("Error in <TFile::Open>: failed", "Error in <TFile::ReadBuffer>: failed"),
        ("slurmstepd: CANCELLED DUE TO TIME LIMIT", "slurmstepd: CANCELLED DUE TO NODE FAILURE"),
        ("killed: wall", "killed: vmem"),
        ("[ERROR] Operation expired", "[ERROR] Socket timeout"),
        ("HTTP 403 : Permission refused", "HTTP 404 : File not found"),
        ("read error: Input/output error", "read error: Stale file handle"),
        ("line 12: gensim: command not found", "line 12: reco: command not found"),
        ("constraint=CONSTRAINT_NONE", "constraint=CONSTRAINT_MEMCG"),
        ("bad_alloc", "bad_cast"),
        ("checksum mismatch on input", "checksum mismatch on output"),
        ("oom-kill: task=python3", "oom-kill: task=geant"),
        ("can't open file", "can't close file"),
        ("proxy expired", "proxy refused"),
        ("disk quota exceeded", "time quota exceeded"),
        ("", "x"),
    ]

    @Test(arguments: Self.different) func whatSaysWhatIsWrongIsKept(one: String, other: String) {
        #expect(Fingerprint.normalise(one) != Fingerprint.normalise(other))
    }

    @Test func theCodeIsPartOfIt() {
        #expect(Fingerprint.of(Failure(.memory, "x")) != Fingerprint.of(Failure(.disk, "x")))
        #expect(
            Fingerprint.of(Failure(.memory, "4 GB used at 12:30"))
                == "2002:# used at #".replacing("# used", with: "used")
        )
    }

    @Test(arguments: [
        "", " ", "#", "1 2 3", "\u{0}", "\u{1F525} fire", "''", "'", "://", "/", "...", "a://", "::", "@",
        "1:2:3:4:5:6:7:8:9",
    ])
    func anyTextHasOne(text: String) {
        let once = Fingerprint.normalise(text)
        #expect(once == Fingerprint.normalise(text) && once.count <= Fingerprint.longest)
    }

    @Test func aLongTextIsCut() {
        let text = (0..<5_000).map { _ in "word" }.joined(separator: " ")
        #expect(Fingerprint.normalise(text).count == Fingerprint.longest)
    }
}
