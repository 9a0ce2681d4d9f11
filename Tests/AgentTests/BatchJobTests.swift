import Domain
import ServiceKit
import Testing

@testable import Agent

@Suite("An agent that is itself a batch job")
struct BatchJobTests {
    private let now = Timestamp(secondsSince1970: 1_000_000)

    @Test("knows it by its environment, and which submission and which part of it that is", arguments: BatchCase.all)
    func environment(_ known: BatchCase) {
        #expect(BatchJob(environment: known.environment, readFile: { known.files[$0] }) == known.batch)
    }

    @Test("is none when its environment says nothing that only a batch system says")
    func none() {
        for none in [
            [:], ["PATH": "/bin"], ["JOB_ID": "5"], ["SLURM_JOB_ID": ""], ["PBS_JOBID": ""], ["LSB_JOBINDEX": "3"],
            ["SGE_ROOT": "/sge"], ["JOB_ID": "five", "SGE_ROOT": "/sge"], ["JOB_ID": "", "SGE_TASK_ID": "1"],
            ["SLURM_ARRAY_JOB_ID": "4"], ["_CONDOR_JOB_AD": ""],
        ] {
            #expect(BatchJob(environment: none, readFile: { _ in "ClusterId = 1\nProcId = 0\n" }) == nil, "\(none)")
        }
    }

    @Test("of two clusters that both count from 1 the submissions have different names")
    func clusters() {
        let jobs = ["hpc1", "hpc2"].map { BatchJob(environment: ["SLURM_JOB_ID": "1", "SLURM_CLUSTER_NAME": $0]) }
        #expect(
            jobs.map { $0?.submission } == ["slurm:hpc1:1", "slurm:hpc2:1"] && jobs[0]?.element == jobs[1]?.element
        )
    }

    @Test("reports what its file says before what its environment says, and nothing if neither says anything")
    func place() throws {
        func place(_ line: String, _ environment: [String: String]) throws -> BatchPlace? {
            let config = try AgentConfig(
                YAMLDocument.node(from: ConfigTests.good + line, name: "agent.yaml"),
                environment: [:]
            ) { _ in "" }
            return BatchPlace(config: config, batch: BatchJob(environment: environment))
        }
        #expect(try place("", [:]) == nil)
        let slurm = ["SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"]
        let found = try #require(try place("", slurm))
        #expect(found.submission == "slurm:7" && found.element == "7_2")
        let named = try #require(try place("submission: flux 3\n", slurm))
        #expect(named.submission == "flux 3" && named.element == "7_2")
        let alone = try #require(try place("submission: flux 3\n", [:]))
        #expect(alone.submission == "flux 3" && alone.element == nil)
    }

    @Test("says of the jobs that it ends whether the batch system ended it, its slot was over, or nobody knows")
    func failure() {
        func code(_ batch: BatchJob?, isSignalled: Bool = true, isPreempted: Bool? = nil) -> Int {
            BatchJob.failure(of: batch, isSignalled: isSignalled, isPreempted: isPreempted, now: self.now).code
        }
        let slurm = BatchJob(system: "slurm", id: "7")
        #expect(code(nil) == 5003 && code(nil, isSignalled: false) == 5003)
        #expect(code(slurm) == 6001 && code(slurm, isSignalled: false) == 5003)
        for (seconds, expected) in [(601.0, 6001), (600, 2014), (0, 2014), (-60, 2014)] {
            #expect(code(BatchJob(system: "slurm", id: "7", end: self.now.adding(seconds: seconds))) == expected)
        }
        #expect(code(slurm, isPreempted: true) == 6005 && code(slurm, isPreempted: false) == 6001)
        // The end of the slot outranks it, and without a batch system or a signal there is nothing to preempt.
        #expect(code(BatchJob(system: "slurm", id: "7", end: self.now), isPreempted: true) == 2014)
        #expect(code(nil, isPreempted: true) == 5003 && code(slurm, isSignalled: false, isPreempted: true) == 5003)
        // None of them uses up an attempt of the job.
        for code in [5003, 6001, 6005, 2014] { #expect(!Blame(code: code).isCounted) }
    }

    @Test("reads from Slurm's word on a job whether it is being preempted")
    func preemption() {
        // Shortened records of Slurm 18.08, 20.11 and 22.05, with and without preemption.
        func record(_ words: String) -> String {
            "JobId=53 JobName=sbatch UserId=v(1000) JobState=RUNNING Reason=None Deadline=N/A \(words) SuspendTime=None SecsPreSuspend=0"
        }
        #expect(BatchJob.isPreempted(scontrol: record("PreemptTime=None")) == false)
        #expect(
            BatchJob.isPreempted(scontrol: record("PreemptEligibleTime=2022-12-29T10:49:34 PreemptTime=None")) == false
        )
        #expect(
            BatchJob.isPreempted(
                scontrol: record("PreemptEligibleTime=2022-12-29T10:49:34 PreemptTime=2022-12-29T11:49:34")
            ) == true
        )
        #expect(BatchJob.isPreempted(scontrol: record("")) == false)
        #expect(BatchJob.isPreempted(scontrol: "JobId=53\n   PreemptTime=2022-12-29T11:49:34\n") == true)
        for none in ["", "slurm_load_jobs error: Invalid job id specified", "PreemptTime=2022-12-29T11:49:34"] {
            #expect(BatchJob.isPreempted(scontrol: none) == nil)
        }
        #expect(BatchJob(system: "slurm", id: "7").inquiry?.arguments.last == "7")
        #expect(BatchJob(system: "pbs", id: "7").inquiry == nil)
    }

    @Test("a job whose node was started again since it began is told as such")
    func rebooted() {
        let text = "cpu  1 2 3\nintr 5 6\nbtime 1000000\nprocesses 7\n"
        #expect(NodeBoot.time(stat: text) == self.now)
        for wrong in ["", "btime\n", "btime x\n", "btime 1 2\n", "xbtime 3\n"] {
            #expect(NodeBoot.time(stat: wrong) == nil)
        }
        func code(_ started: Double?, _ boot: Timestamp?) -> Int {
            let begun = started.map { self.now.adding(seconds: $0) }
            return NodeBoot.failure(started: begun, boot: boot).code
        }
        #expect(code(-1, self.now) == FailureCode.nodeRebooted.rawValue)
        #expect(code(1, self.now) == FailureCode.agentRestarted.rawValue)
        #expect(code(nil, self.now) == FailureCode.agentRestarted.rawValue)
        #expect(code(-1, nil) == FailureCode.agentRestarted.rawValue)
    }
}
