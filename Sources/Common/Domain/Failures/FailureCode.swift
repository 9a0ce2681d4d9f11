/// The failure codes of Millrace. They are an interface: a number never changes its meaning. Codes outside this list may
/// come from a site's own wrapper; their first digit then says all that is known.
package enum FailureCode: Int, Sendable, CaseIterable {
    case payloadExit = 1001
    case payloadSignal = 1002
    case payloadTooFewEvents = 1003
    case payloadReportBroken = 1004
    case payloadNotFound = 1005

    case wallTime = 2001
    case memory = 2002
    case disk = 2003

    case wrapperCrashed = 3001
    case specification = 3002

    case softwareInstall = 4001
    case softwareHash = 4002
    case softwareUnavailable = 4003

    case nodeDisk = 5001
    case nodeSpawn = 5002
    case agentRestarted = 5003

    case batchRemoved = 6001
    case batchUnknown = 6002

    case inputMissing = 7001
    case inputChecksum = 7002
    case inputUnreachable = 7003

    case outputMissing = 8001
    case outputEmpty = 8002
    case stageOut = 8101
    case missingStream = 8201
    case extraStream = 8202
    case eventsMismatch = 8203
    case checksumMalformed = 8204
    case zeroSize = 8205
    case foreignName = 8206
    case unknownStorage = 8207
    case outputSum = 8208
    case nameTaken = 8209

    case agentLost = 9001
    case agentForgot = 9002
    case offerRefused = 9003
    case cancelled = 9101

    /// A stable short name, for tables and rules.
    package var name: String { String(describing: self) }

    package var meaning: String {
        switch self {
        case .payloadExit: "A step ended with an exit code other than 0."
        case .payloadSignal: "A step was ended by a signal that nobody of ours sent."
        case .payloadTooFewEvents: "The steps succeeded but read or wrote fewer events than the job was asked for."
        case .payloadReportBroken: "A step left no report, or one that cannot be read."
        case .payloadNotFound: "The command of a step does not exist or may not be executed."
        case .wallTime: "The attempt ran longer than its task's wall time and was ended."
        case .memory: "The attempt used more memory than its task's limit and was ended."
        case .disk: "The attempt used more disk than its task's limit and was ended."
        case .wrapperCrashed: "The job's wrapper ended without saying why."
        case .specification:
            "The job's description cannot be run: a variable, file or software it names is not defined."
        case .softwareInstall: "Installing the software failed."
        case .softwareHash: "A software package does not have the hash it is registered with."
        case .softwareUnavailable: "The installer or interpreter the software needs is not on this site."
        case .nodeDisk: "The site's own disk is full or cannot be written."
        case .nodeSpawn: "The node could not start a process."
        case .agentRestarted: "The agent was restarted and the job's process was gone."
        case .batchRemoved: "The batch system removed the job."
        case .batchUnknown: "The batch system does not know the job and left no trace of its end."
        case .inputMissing: "An input file is not where the catalogue says."
        case .inputChecksum: "An input file's bytes are not those of the catalogue."
        case .inputUnreachable: "No replica of an input file is on a storage the agent can read."
        case .outputMissing: "A file that the task declares as output was not written."
        case .outputEmpty: "An output file that claims events has no bytes."
        case .stageOut: "An output file could not be written to storage."
        case .missingStream: "The manifest lacks a stream that the task declares."
        case .extraStream: "The manifest names a stream that the task does not declare."
        case .eventsMismatch: "The events read are not the events the job was given."
        case .checksumMalformed: "A checksum in the manifest is missing or not 8 lower-case hex digits."
        case .zeroSize: "The manifest claims a file of zero bytes."
        case .foreignName: "The name of an output file is not one of this attempt."
        case .unknownStorage: "The manifest names a storage element that the catalogue does not have."
        case .outputSum: "A merged file does not hold the sum of the events of its inputs."
        case .nameTaken: "A file of that name is already registered."
        case .agentLost: "The agent was silent for longer than its site's lost_after."
        case .agentForgot: "The agent is alive but does not know the attempt."
        case .offerRefused: "The agent refused the offer: bad signature, expired, or not its question."
        case .cancelled: "Ended because its request, task or job was cancelled."
        }
    }

    /// What an operator does about it.
    package var remedy: String {
        switch self {
        case .payloadExit, .payloadSignal, .payloadReportBroken:
            "Read the job's log; run it on your machine with `millrace run --local TASK INDEX`."
        case .payloadTooFewEvents: "Check the input file and the payload's own limits on events."
        case .payloadNotFound, .specification: "Correct the workflow and make a new version of it."
        case .wallTime, .memory, .disk: "Raise the task's resources, or make its jobs smaller."
        case .wrapperCrashed, .nodeSpawn, .agentRestarted: "Look at the agent's log on that node."
        case .softwareInstall, .softwareUnavailable: "Look at the installation log at the site; install what it misses."
        case .softwareHash: "Find out who changed the package; register the new one under a new version."
        case .nodeDisk: "Free space under the agent's work folder."
        case .batchRemoved, .batchUnknown: "Ask the site's batch system for the job's history."
        case .inputMissing, .inputChecksum: "Look at the replica; declare it bad if it is, so that another one is used."
        case .inputUnreachable: "Subscribe the dataset to a storage of that site, or add the storage to its agent."
        case .outputMissing, .outputEmpty: "Compare the file names in the workflow with what the steps write."
        case .stageOut: "Look at the storage element: space, permissions, reachability."
        case .missingStream, .extraStream, .outputSum, .eventsMismatch:
            "The payload's report is at odds with the task; correct one."
        case .checksumMalformed, .zeroSize, .foreignName, .nameTaken:
            "The agent is faulty or of another version; look at its log."
        case .unknownStorage: "Add the storage element, or correct its name in the agent's file."
        case .agentLost, .agentForgot: "See whether the agent and its link are up; the job has been released again."
        case .offerRefused: "Give the agent the present signing key; check its clock."
        case .cancelled: "Nothing."
        }
    }

    /// Whose fault it is unless a rule says otherwise.
    package var blame: Blame {
        switch self {
        case .payloadExit, .payloadSignal, .payloadTooFewEvents, .payloadReportBroken, .outputMissing, .outputEmpty,
            .wallTime, .memory,
            .disk, .outputSum, .eventsMismatch, .missingStream, .extraStream:
            .payload
        case .payloadNotFound, .specification: .definition
        case .wrapperCrashed, .softwareInstall, .softwareUnavailable, .nodeDisk, .nodeSpawn, .agentRestarted,
            .batchRemoved, .batchUnknown,
            .stageOut, .unknownStorage, .inputUnreachable:
            .site
        case .softwareHash, .checksumMalformed, .zeroSize, .foreignName, .nameTaken, .offerRefused: .infrastructure
        case .inputMissing, .inputChecksum: .site
        case .agentLost, .agentForgot: .network
        case .cancelled: .operator
        }
    }
}

extension Blame {
    /// Whose fault a code is, also one that is not in our list: by its first digit.
    package init(code: Int) {
        if let known = FailureCode(rawValue: code) {
            self = known.blame
            return
        }
        switch FailureLayer(rawValue: code / 1000) {
        case .payload, .limit: self = .payload
        case .wrapper, .software, .site, .batch, .output: self = .site
        case .input: self = .data
        case .centre, nil: self = .infrastructure
        }
    }
}
