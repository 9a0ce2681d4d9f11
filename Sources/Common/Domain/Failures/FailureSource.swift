/// Who noticed a failure. It says nothing of whose fault it is: that is ``Blame``.
package enum FailureSource: String, Sendable, CaseIterable, Codable {
    /// The payload said so itself, in its report or its log.
    case payload
    /// The wrapper that runs the steps of a job.
    case wrapper
    /// What starts and ends processes: the node's own executor or a batch system.
    case executor
    /// A storage element, or the tool that copied to or from it.
    case storage
    /// The agent of a site.
    case agent
    /// A service of the centre.
    case centre
    /// The Bookkeeper, which refused what the attempt claims.
    case books
}
