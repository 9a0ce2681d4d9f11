import Crypto
import Domain
import FoundationEssentials
import Messages

/// A job this agent has accepted: its own part of the offer, and what it shares with its task.
struct AcceptedJob: Codable, Sendable, Equatable {
    var description: JobDescription
    var job: OfferedJob

    var key: AttemptKey { self.job.name.key }
}

/// What is run for a job, computed from the offer alone.
struct JobPlan: Sendable {
    let accepted: AcceptedJob

    init(_ accepted: AcceptedJob) { self.accepted = accepted }

    /// The steps of the normal way, in order.
    var steps: [StepTemplate] { self.accepted.description.steps.filter { $0.rescue != true } }
    /// The steps that run when one of the others failed.
    var rescues: [StepTemplate] { self.accepted.description.steps.filter { $0.rescue == true } }

    /// - Parameter inputs: the local paths of the inputs, in order.
    /// - Throws: ``JobFailure`` (specification) for a variable that has no value here.
    func arguments(_ step: StepTemplate, inputs: [String]) throws(JobFailure) -> [String] {
        var arguments: [String] = []
        for text in step.command {
            if text == "${\(JobVariable.inputs.rawValue)}" {
                arguments += inputs
            } else {
                arguments.append(try self.fill(text, inputs: inputs, in: "the command of step \(step.name)"))
            }
        }
        guard let program = arguments.first, !program.isEmpty else {
            throw JobFailure(.specification, "step \(step.name) has no command")
        }
        if arguments.contains(where: { $0.utf8.contains(0) }) {
            throw JobFailure(.specification, "the command of step \(step.name) has a zero byte")
        }
        return arguments
    }

    /// Text with the variables of the job replaced.
    func fill(_ text: String, inputs: [String], in place: String) throws(JobFailure) -> String {
        let job = self.accepted.job
        var missing: String?
        let filled = Variables.replace(in: text) { name in
            switch JobVariable(rawValue: name) {
            case .request: return String(self.accepted.description.request)
            case .task: return String(job.name.task)
            case .index: return String(job.name.index)
            case .attempt: return String(job.name.attempt)
            case .seed: return String(job.seed)
            case .events: return String(job.events)
            case .first_event: return String(job.firstEvent)
            case .inputs: return inputs.joined(separator: " ")
            case .input where inputs.count == 1: return inputs[0]
            case .input, nil:
                missing = missing ?? name
                return nil
            }
        }
        guard let missing else { return filled }
        let reason =
            missing == "input" ? "stands for the only input, and the job has \(inputs.count)" : "is not defined"
        throw JobFailure(.specification, "\(place): ${\(missing)} \(reason)")
    }

    /// Everything a step's process gets as environment; nothing is inherited from the agent.
    ///
    /// - Parameters:
    ///   - folder: the job's work folder.
    ///   - programs: folders of installed software, the first found first.
    ///   - report: the path of the report the step may write.
    func environment(
        _ step: StepTemplate,
        folder: String,
        programs: [String],
        report: String,
        inputs: [String]
    ) throws(JobFailure) -> [String: String] {
        let job = self.accepted.job
        let cores = String(self.accepted.description.requirement.cores)
        var environment = [
            "PATH": (programs + ["/usr/local/bin", "/usr/bin", "/bin"]).joined(separator: ":"),
            "HOME": folder, "TMPDIR": folder + "/" + WorkFolder.temporary, "LANG": "C.UTF-8",
            "MILLRACE_TASK": String(job.name.task), "MILLRACE_INDEX": String(job.name.index),
            "MILLRACE_ATTEMPT": String(job.name.attempt), "MILLRACE_SEED": String(job.seed),
            "MILLRACE_EVENTS": String(job.events), "MILLRACE_FIRST_EVENT": String(job.firstEvent),
            "MILLRACE_STEP": step.name, "MILLRACE_REPORT": report,
        ]
        for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"] {
            environment[name] = cores
        }
        for (name, text) in step.environment ?? [:] {
            let value = try self.fill(text, inputs: inputs, in: "the environment of step \(step.name)")
            guard !name.isEmpty, !name.utf8.contains(61), !name.utf8.contains(0), !value.utf8.contains(0) else {
                throw JobFailure(.specification, "the environment of step \(step.name) has a name that cannot be used")
            }
            environment[name] = value
        }
        // The agent finds what a lost step left behind by these.
        environment["HOME"] = folder
        return environment
    }

    /// Where an output is written, relative to the work folder.
    func file(_ output: PlannedOutput) throws(JobFailure) -> String {
        let file = try self.fill(output.file, inputs: [], in: "the file of output \(output.stream)")
        guard RelativePath.isSafe(file) else {
            throw JobFailure(.specification, "output \(output.stream): the file \(file) is outside the work folder")
        }
        return file
    }

    /// The same for two attempts exactly if the step would do the same in both, up to the attempt's number.
    func fingerprint(_ step: StepTemplate, inputs: [String]) throws -> String {
        struct Ingredients: Encodable {
            var step: StepTemplate
            var arguments: [String]
            var environment: [String: String]
            var software: [SoftwarePackage]
            var sandbox: [SandboxFile]
            var inputs: [OfferedInput]
        }
        let job = self.accepted.job
        var environment = try self.environment(step, folder: "", programs: [], report: "", inputs: inputs)
        if step.environment?["MILLRACE_ATTEMPT"] == nil { environment["MILLRACE_ATTEMPT"] = nil }
        let text = try WireFormat.text(
            Ingredients(
                step: step,
                arguments: try self.arguments(step, inputs: inputs),
                environment: environment,
                software: self.accepted.description.software,
                sandbox: self.accepted.description.sandbox,
                inputs: job.inputs
            )
        )
        return Digest.hex(text)
    }
}

/// SHA-256 of text, as hex digits.
enum Digest {
    static func hex(_ text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }
}

/// Names inside a job's work folder that are the agent's.
enum WorkFolder {
    static let temporary = ".millrace-tmp"
    static let marks = ".millrace-steps.json"

    static func report(_ step: Int) -> String { ".millrace-report-\(step).json" }

    static func name(_ key: AttemptKey) -> String { key.description }
}
