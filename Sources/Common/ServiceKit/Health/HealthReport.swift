/// The answer of `/healthz` and `/readyz`.
package struct HealthReport: Codable, Equatable, Sendable {
    package struct Check: Codable, Equatable, Sendable {
        package let name: String
        package let ok: Bool
        /// Why not, or what else there is to say.
        package let reason: String?

        package init(name: String, ok: Bool, reason: String? = nil) {
            self.name = name
            self.ok = ok
            self.reason = reason
        }
    }

    package let ok: Bool
    package let service: String
    package let instance: String
    package let version: String
    package let checks: [Check]

    package init(identity: Identity, checks: [Check]) {
        self.ok = checks.allSatisfy(\.ok)
        self.service = identity.service
        self.instance = identity.instance
        self.version = identity.version
        self.checks = checks
    }

    /// What is not well, for one line: the first such check, and how many more there are; nil: everything is well.
    package var trouble: String? {
        let unwell = self.checks.filter { !$0.ok }
        guard let first = unwell.first else { return nil }
        let others = unwell.count > 1 ? " (and \(unwell.count - 1) more)" : ""
        return "\(first.name): \(first.reason ?? "not well")\(others)"
    }
}
