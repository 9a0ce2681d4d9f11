/// What broke, as the first digit of a failure code says.
package enum FailureLayer: Int, Sendable, CaseIterable, Codable {
    case payload = 1
    case limit = 2
    case wrapper = 3
    case software = 4
    case site = 5
    case batch = 6
    case input = 7
    case output = 8
    case centre = 9

    /// As tables and messages write it.
    package var name: String {
        switch self {
        case .payload: "payload"
        case .limit: "resource limit"
        case .wrapper: "step or job wrapper"
        case .software: "software installation"
        case .site: "node or site"
        case .batch: "batch system"
        case .input: "input data"
        case .output: "output and bookkeeping"
        case .centre: "centre, agent link, cancelled"
        }
    }

    /// Which of several failures of one attempt is its cause: the lower rank. A limit that killed the payload
    /// explains the payload's signal; an input that could not be read explains the payload's exit code; a payload
    /// that failed explains why its output is missing. A code may have a rank of its own: see ``FailureCode/rank``.
    package var rank: Int {
        switch self {
        case .centre: 10
        case .limit: 20
        case .input: 30
        case .software: 40
        case .site: 50
        case .batch: 60
        case .payload: 70
        case .wrapper: 80
        case .output: 90
        }
    }
}
