/// Whose fault a failure is: separate from what is done about it.
package enum Blame: String, Sendable, CaseIterable, Codable {
    /// The program that was run.
    case payload
    /// The workflow or task that describes what is run.
    case definition
    /// The node or the site.
    case site
    /// The files that were read.
    case data
    /// What lies between the site and the rest.
    case network
    /// What we ourselves, or services for everybody, run.
    case infrastructure
    /// A person, on purpose.
    case `operator`

    /// Whether such a failure uses up one of the job's attempts.
    package var isCounted: Bool {
        switch self {
        case .payload, .definition, .data: true
        case .site, .network, .infrastructure, .operator: false
        }
    }

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
