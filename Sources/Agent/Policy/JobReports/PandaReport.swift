import Domain
import FoundationEssentials
import Messages

/// The report of an ATLAS transform, and the error fields of the pilot that ran it. Every key may be absent.
struct PandaReport: Decodable, Sendable {
    private var exitCode: LooseInteger?
    private var exitAcronym: String?
    private var exitMsg: String?
    private var pilotErrorCode: LooseInteger?
    private var pilotErrorDiag: String?
    private var exeErrorCode: LooseInteger?
    private var exeErrorDiag: String?
    private var supErrorCode: LooseInteger?
    private var supErrorDiag: String?

    /// A file without any of the codes says nothing.
    static func read(_ bytes: [UInt8], step: String) -> JobReport {
        do {
            return try WireFormat.decoder.decode(Self.self, from: Data(bytes)).told
        } catch {
            return .unreadable(JobReportFile.panda.rawValue, WireFormat.explain(error), step: step)
        }
    }

    private var told: JobReport {
        let codes = [self.pilotErrorCode, self.exeErrorCode, self.supErrorCode, self.exitCode].compactMap { $0?.value }
        guard !codes.isEmpty else { return .silent }
        let failures = self.failures
        return failures.isEmpty ? .success : .failed(failures)
    }

    private var failures: [Failure] {
        var failures: [Failure] = []
        // The pilot first: it knows why it ended the payload.
        if let code = self.pilotErrorCode?.value, code != 0 {
            let text = self.pilotErrorDiag ?? ""
            failures.append(
                ForeignFailure.make(.panda, code, unknown: .wrapperException, text: text, source: .wrapper)
            )
        }
        if let code = self.supErrorCode?.value, code != 0 {
            let text = self.supErrorDiag ?? ""
            failures.append(
                ForeignFailure.make(.harvester, code, unknown: .batchExitUnknown, text: text, source: .executor)
            )
        }
        // The codes of the transform itself have no table: each experiment has its own.
        let (exit, exe) = (self.exitCode?.value ?? 0, self.exeErrorCode?.value ?? 0)
        if exit != 0 { failures.append(Self.transform(exit, self.exitAcronym, self.exitMsg)) }
        if exe != 0, exe != exit { failures.append(Self.transform(exe, nil, self.exeErrorDiag)) }
        return failures
    }

    private static func transform(_ code: Int, _ acronym: String?, _ text: String?) -> Failure {
        let name = Diagnostic.line(acronym ?? "", limit: 60)
        let words = Diagnostic.line(text ?? "")
        return Failure(
            .payloadExit,
            "panda transform \(code)\(name.isEmpty ? "" : " (\(name))")\(words.isEmpty ? "" : ": \(words)")",
            source: .payload
        )
    }
}

/// A number, or text that is one: pilots write both. Empty text is no number.
struct LooseInteger: Decodable, Sendable {
    let value: Int?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self.value = try container.decode(Int.self)
        } catch DecodingError.typeMismatch {
            let text = try container.decode(String.self).filter { !$0.isWhitespace }
            guard text.isEmpty || Int(text) != nil else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: "\(text) is no number")
            }
            self.value = Int(text)
        }
    }
}
