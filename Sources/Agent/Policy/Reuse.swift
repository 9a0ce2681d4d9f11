import Domain
import Messages

/// A step that was completed in a work folder, and every file that was there then.
struct StepMark: Codable, Sendable, Equatable {
    struct File: Codable, Sendable, Equatable {
        var bytes: Int64
        var modifiedNanoseconds: Int64
    }

    var fingerprint: String
    var record: StepRecord
    var report: StepReport?
    var files: [String: File]
}

/// Which completed steps of an earlier attempt a new one may take over.
enum Reuse {
    struct Decision: Sendable, Equatable {
        /// How many steps, from the first.
        var steps: Int
        /// Files that a later, unfinished step left: removed before going on.
        var surplus: [String]
    }

    /// Steps are taken over from the first as long as their fingerprints agree; then the folder must hold exactly the files
    /// of the last of them, unchanged, once what later steps added is gone.
    static func decide(marks: [StepMark], fingerprints: [String], present: [String: StepMark.File]) -> Decision {
        var count = zip(marks, fingerprints).prefix { $0.fingerprint == $1 }.count
        while count > 0 {
            let files = marks[count - 1].files
            if files.allSatisfy({ present[$0.key] == $0.value }) {
                return Decision(steps: count, surplus: present.keys.filter { files[$0] == nil }.sorted())
            }
            count -= 1
        }
        return Decision(steps: 0, surplus: [])
    }

    /// Whether a failed attempt's folder is worth keeping: a step failed after others had worked, or all worked and the
    /// outputs could not be stored. If the outputs themselves are wrong, the same steps would make them again.
    static func isWorthKeeping(completed: Int, failures: [Failure]) -> Bool {
        completed > 0
            && !failures.contains { failure in
                [.payloadTooFewEvents, .payloadReportBroken, .outputMissing, .outputEmpty, .specification]
                    .contains(FailureCode(rawValue: failure.code))
            }
    }
}
