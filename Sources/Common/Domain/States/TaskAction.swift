/// What people can do to a task.
package enum TaskAction: String, Sendable, CaseIterable, Codable {
    case pause
    case resume
    case abort
    /// Aborted jobs wait again.
    case retry
    /// What waits for company is merged now.
    case flush
    /// What is lost or missing is made again, as ``RecoveryPolicy`` plans.
    case recover

    /// The states in which the action is allowed. The CLI and the web pages show no other.
    package var allowedIn: [TaskState] {
        switch self {
        case .pause: [.scouting, .running]
        case .resume: [.paused]
        case .abort: [.waiting, .scouting, .running, .finishing, .paused]
        case .retry, .recover: [.scouting, .running, .finishing, .paused]
        case .flush: [.scouting, .running]
        }
    }

    /// The least role that may do it.
    package var role: Role { .operator }
}

/// What people can do to a site.
package enum SiteAction: String, Sendable, CaseIterable, Codable {
    case allow
    case drain
    case ban

    package var target: SiteAccess {
        switch self {
        case .allow: .allowed
        case .drain: .draining
        case .ban: .banned
        }
    }

    /// The least role that may do it.
    package var role: Role { .operator }
}
