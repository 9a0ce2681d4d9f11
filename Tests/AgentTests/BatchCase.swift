import Domain
import Testing

@testable import Agent

/// The environment of a batch job, and what is to be known from it.
struct BatchCase: Sendable, CustomTestStringConvertible {
    let environment: [String: String]
    let batch: BatchJob
    /// Files that the environment names, and what is in them.
    let files: [String: String]

    private init(
        _ environment: [String: String],
        _ system: String,
        _ id: String,
        _ submission: String?,
        _ element: String?,
        end: Timestamp? = nil,
        files: [String: String] = [:]
    ) {
        self.environment = environment
        self.batch = BatchJob(system: system, id: id, end: end, submission: submission, element: element)
        self.files = files
    }

    var testDescription: String {
        self.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    static let all = Self.slurm + Self.pbs + Self.lsf + Self.oar + Self.gridEngine + Self.condor

    private static let slurm: [BatchCase] = {
        let end = Timestamp(secondsSince1970: 1_000_000)
        return [
            .init(["SLURM_JOB_ID": "7"], "slurm", "7", "slurm:7", "7"),
            .init(["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "1000000"], "slurm", "7", "slurm:7", "7", end: end),
            .init(["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "soon"], "slurm", "7", "slurm:7", "7"),
            .init(["SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": "1e300"], "slurm", "7", "slurm:7", "7"),
            .init(["SLURM_JOB_ID": "7", "SLURM_CLUSTER_NAME": "hpc1"], "slurm", "7", "slurm:hpc1:7", "7"),
            .init(
                [
                    "SLURM_JOB_ID": "4715", "SLURM_ARRAY_JOB_ID": "4711", "SLURM_ARRAY_TASK_ID": "3",
                    "SLURM_CLUSTER_NAME": "hpc1",
                ],
                "slurm",
                "4715",
                "slurm:hpc1:4711",
                "4711_3"
            ),
            .init(
                ["SLURM_JOB_ID": "4711", "SLURM_ARRAY_JOB_ID": "4711", "SLURM_ARRAY_TASK_ID": "0"],
                "slurm",
                "4711",
                "slurm:4711",
                "4711_0"
            ),
            .init(["SLURM_JOB_ID": "5", "SLURM_ARRAY_JOB_ID": "4"], "slurm", "5", "slurm:4", "5"),
            .init(["SLURM_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "1"], "slurm", "5", "slurm:5", "5"),
        ]
    }()

    private static let pbs: [BatchCase] = [
        .init(["PBS_JOBID": "8.host"], "pbs", "8.host", "pbs:host:8", "8"),
        .init(["PBS_JOBID": "8"], "pbs", "8", "pbs:8", "8"),
        .init(
            ["PBS_JOBID": "8[3].host.example", "PBS_ARRAY_ID": "8[].host.example", "PBS_ARRAY_INDEX": "3"],
            "pbs",
            "8[3].host.example",
            "pbs:host.example:8",
            "8[3]"
        ),
        .init(["PBS_JOBID": "8-4.host", "PBS_ARRAYID": "4"], "pbs", "8-4.host", "pbs:host:8", "8[4]"),
        .init(["PBS_JOBID": "8.host", "PBS_ARRAY_INDEX": "5"], "pbs", "8.host", "pbs:host:8", "8[5]"),
        .init(["PBS_JOBID": "8[].host", "PBS_ARRAYID": "6"], "pbs", "8[].host", "pbs:host:8", "8[6]"),
        .init(["PBS_JOBID": "8.host", "PBS_ARRAY_INDEX": "x"], "pbs", "8.host", "pbs:host:8", "8"),
        .init(["PBS_JOBID": "unheard-of"], "pbs", "unheard-of", "pbs:unheard-of", "unheard-of"),
    ]

    private static let lsf: [BatchCase] = [
        .init(["LSB_JOBID": "9"], "lsf", "9", "lsf:9", "9"),
        .init(["LSB_JOBID": "9", "LSB_JOBINDEX": "0"], "lsf", "9", "lsf:9", "9"),
        .init(["LSB_JOBID": "9", "LSB_JOBINDEX": "12"], "lsf", "9", "lsf:9", "9[12]"),
    ]

    private static let oar: [BatchCase] = [
        .init(["OAR_JOB_ID": "1"], "oar", "1", "oar:1", "1"),
        .init(["OAR_JOB_ID": "3", "OAR_ARRAY_ID": "1"], "oar", "3", "oar:1", "3"),
    ]

    private static let gridEngine: [BatchCase] = [
        .init(["JOB_ID": "5", "SGE_TASK_ID": "undefined"], "gridengine", "5", "gridengine:5", "5"),
        .init(["JOB_ID": "5", "SGE_TASK_ID": "2"], "gridengine", "5", "gridengine:5", "5.2"),
        .init(["JOB_ID": "6", "SGE_ROOT": "/sge"], "gridengine", "6", "gridengine:6", "6"),
        .init(["JOB_ID": "7", "PE": "smp"], "gridengine", "7", "gridengine:7", "7"),
        .init(
            ["JOB_ID": "5", "SGE_ROOT": "/sge", "SGE_CELL": "default", "SGE_TASK_ID": "3"],
            "gridengine",
            "5",
            "gridengine:5",
            "5.3"
        ),
        .init(["JOB_ID": "5", "SGE_ROOT": "/s", "SGE_CELL": "east"], "gridengine", "5", "gridengine:east:5", "5"),
        .init(
            ["JOB_ID": "5", "SGE_ROOT": "/s", "SGE_CELL": "east", "SGE_CLUSTER_NAME": "p6444"],
            "gridengine",
            "5",
            "gridengine:p6444:5",
            "5"
        ),
    ]

    private static let condor: [BatchCase] = {
        func ad(_ text: String, _ id: String, _ submission: String?, _ element: String?) -> BatchCase {
            BatchCase(
                ["_CONDOR_JOB_AD": "/x/.job.ad", "_CONDOR_SLOT": "slot1"],
                "htcondor",
                id,
                submission,
                element,
                files: ["/x/.job.ad": text]
            )
        }
        let whole = #"GlobalJobId = "submit.example#4711.3#1700000000""#
        return [
            ad(
                "Cmd = \"/bin/x\"\nClusterId = 4711\n\(whole)\nProcId = 3\n",
                "4711.3",
                "htcondor:submit.example:4711",
                "4711.3"
            ),
            ad(whole, "4711.3", "htcondor:submit.example:4711", "4711.3"),
            ad("  clusterid=4711  \r\n PROCID\t=\t0", "4711.0", "htcondor:4711", "4711.0"),
            // An attribute that only holds the name, or only has one that begins alike, is another.
            ad("MyClusterId = 1\nClusterIds = 2\nNote = \"ClusterId = 3\"\nProcId = 4", "slot1", nil, nil),
            ad("ClusterId = undefined\nProcId = 0", "slot1", nil, nil),
            ad("", "slot1", nil, nil),
            .init(["_CONDOR_JOB_AD": "/gone", "_CONDOR_SLOT": "slot1"], "htcondor", "slot1", nil, nil),
            .init(["_CONDOR_SCRATCH_DIR": "/x"], "htcondor", "of unknown number", nil, nil),
        ]
    }()
}
