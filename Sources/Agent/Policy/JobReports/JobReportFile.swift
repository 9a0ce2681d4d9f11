import Domain

/// The files of other systems that are looked for in a work folder after each step. Their names are those systems' own.
enum JobReportFile: String, Sendable, CaseIterable {
    /// Of ATLAS transforms; the pilot of PanDA adds its own codes.
    case panda = "jobReport.json"
    /// Of CMSSW, WMAgent and CRAB.
    case cms = "FrameworkJobReport.xml"

    /// Bytes; a larger one is not read.
    static let sizeLimit = 16 << 20

    /// - Parameter bytes: nil: it is too large, or could not be read at all.
    func read(_ bytes: [UInt8]?, step: String) -> JobReport {
        guard let bytes else {
            return .unreadable(self.rawValue, "it has more than \(Self.sizeLimit >> 20) MB", step: step)
        }
        switch self {
        case .panda: return PandaReport.read(bytes, step: step)
        case .cms: return FrameworkReport.read(bytes, step: step)
        }
    }
}
