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

    /// Which of several failures of one attempt is its cause: the lower rank. A limit that killed the payload explains the
    /// payload's signal; an input that could not be read explains the payload's exit code; a payload that failed explains
    /// why its output is missing.
    package var rank: Int {
        switch self {
        case .centre: 0
        case .limit: 1
        case .input: 2
        case .software: 3
        case .site: 4
        case .batch: 5
        case .payload: 6
        case .wrapper: 7
        case .output: 8
        }
    }
}

/// One thing that went wrong in an attempt.
package struct Failure: Hashable, Sendable, Codable {
    /// 1000 ... 9999; the first digit says what broke. See ``FailureCode``.
    package let code: Int
    /// One line in the words of whoever noticed it; may be empty.
    package let diagnostic: String

    package init(code: Int, diagnostic: String) {
        self.code = code
        self.diagnostic = diagnostic
    }

    package init(_ code: FailureCode, _ diagnostic: String) {
        self.init(code: code.rawValue, diagnostic: diagnostic)
    }

    /// Nil when the code is outside 1000 ... 9999.
    package var layer: FailureLayer? { FailureLayer(rawValue: self.code / 1000) }
}

extension Sequence where Element == Failure {
    /// The failure that explains the others; of equals the first reported. Nil for an empty list.
    package var cause: Failure? {
        self.enumerated().min { left, right in
            (left.element.layer?.rank ?? Int.max, left.offset) < (right.element.layer?.rank ?? Int.max, right.offset)
        }?.element
    }
}

/// Whose fault a failure is: separate from what is done about it.
package enum Blame: String, Sendable, CaseIterable, Codable {
    case payload
    case definition
    case site
    case data
    case network
    case infrastructure
    case `operator`

    /// Whether such a failure uses up one of the job's attempts.
    package var isCounted: Bool {
        switch self {
        case .payload, .definition, .data: true
        case .site, .network, .infrastructure, .operator: false
        }
    }
}
