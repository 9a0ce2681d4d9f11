import Domain

/// The job report of CMS: what its `FrameworkError` elements say, wherever they stand, and how much of which files was read.
enum FrameworkReport {
    /// Only so many errors of one report are told, each with so many bytes of text.
    static let errorLimit = 20
    static let textLimit = 4096

    private struct ReportedError {
        var status: Int
        var kind: String?
        var text = ""
    }

    static func read(_ bytes: [UInt8], step: String) -> JobReport {
        var scanner = XMLScanner(bytes)
        var errors: [ReportedError] = []
        var isFailed = false
        var path: [String] = []
        var inputs = FrameworkInputs()
        do throws(XMLProblem) {
            while let event = try scanner.next() {
                switch event {
                case .start(let name, let attributes):
                    if path.isEmpty, name != "FrameworkJobReport" { throw XMLProblem("its root is \(name)", line: 1) }
                    if path.isEmpty, attributes["Status"] == "Failed" { isFailed = true }
                    path.append(name)
                    inputs.start(path)
                    guard name == "FrameworkError", errors.count < Self.errorLimit else { continue }
                    errors.append(try Self.error(attributes, line: scanner.line))
                case .end:
                    inputs.end(path)
                    path.removeLast()
                case .text(let text):
                    inputs.text(text, path)
                    guard path.last == "FrameworkError", let last = errors.indices.last else { continue }
                    let room = Self.textLimit - errors[last].text.utf8.count
                    if room > 0 { errors[last].text += String(decoding: text.utf8.prefix(room), as: UTF8.self) }
                }
            }
        } catch {
            let (file, understood) = (JobReportFile.cms.rawValue, Self.failures(errors))
            return .unreadable(file, "line \(error.line): \(error.reason)", step: step, understood)
        }
        let failures = Self.failures(errors)
        if failures.isEmpty, isFailed {
            let words = "the CMS report of step \(step) says Failed and not why"
            return .failed([Failure(.payloadExit, words, source: .payload)])
        }
        guard failures.isEmpty else { return .failed(failures) }
        var report = JobReport.success
        report.reads = inputs.reads ?? []
        return report
    }

    /// Wrappers write elements with status 0 for what went well.
    private static func failures(_ errors: [ReportedError]) -> [Failure] {
        errors.filter { $0.status != 0 }.map { error in
            ForeignFailure.make(
                .cms,
                error.status,
                unknown: .payloadExit,
                kind: error.kind,
                text: error.text,
                source: .payload
            )
        }
    }

    private static func error(_ attributes: [String: String], line: Int) throws(XMLProblem) -> ReportedError {
        let text = attributes["ExitStatus"] ?? ""
        guard let status = Int(text) else { throw XMLProblem("the ExitStatus \(text) is no number", line: line) }
        let kind = attributes["Type"] ?? ""
        return ReportedError(status: status, kind: kind.isEmpty ? nil : kind)
    }
}
