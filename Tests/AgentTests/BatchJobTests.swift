import Domain
import Testing

@testable import Agent

@Suite("An agent that is itself a batch job")
struct BatchJobTests {
    private let now = Timestamp(secondsSince1970: 1_000_000)

    @Test("knows it by its environment")
    func environment() {
        let known: [([String: String], BatchJob)] = [
            (["SLURM_JOB_ID": "7"], BatchJob(system: "slurm", id: "7")),
            (
                ["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "1000000"],
                BatchJob(system: "slurm", id: "7", end: self.now)
            ),
            (["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "soon"], BatchJob(system: "slurm", id: "7")),
            (["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "1e300"], BatchJob(system: "slurm", id: "7")),
            (["PBS_JOBID": "8.host"], BatchJob(system: "pbs", id: "8.host")),
            (["LSB_JOBID": "9"], BatchJob(system: "lsf", id: "9")),
            (["OAR_JOB_ID": "1"], BatchJob(system: "oar", id: "1")),
            (["_CONDOR_JOB_AD": "/x", "_CONDOR_SLOT": "slot1"], BatchJob(system: "htcondor", id: "slot1")),
            (["JOB_ID": "5", "SGE_TASK_ID": "undefined"], BatchJob(system: "gridengine", id: "5")),
        ]
        for (environment, batch) in known { #expect(BatchJob(environment: environment) == batch) }
        for none in [[:], ["JOB_ID": "5"], ["SLURM_JOB_ID": ""], ["PATH": "/bin"]] {
            #expect(BatchJob(environment: none) == nil)
        }
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
