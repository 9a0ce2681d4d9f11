import Logging
import HTTPTypes
import Catalog
import Domain

/// What people do to the farm: sites, storage, transfers, rules.
extension Route {
    static let farmChanges: [Route] =
        [
            .post("/sites", role: .administrator) { gateway, call in
                let body = try call.body(["site", "cloud", "lost_after"])
                let (site, cloud) = (try body.text("site"), try body.optionalText("cloud"))
                let lostAfter = try body.optionalNumber("lost_after") ?? 300
                let reply = try await gateway.change(call) {
                    try await $0.addSite(site, cloud: cloud, lostAfter: lostAfter)
                }
                if !call.isDryRun { await Self.declare(site, gateway) }
                return reply
            },
            .post("/storages", role: .administrator) { gateway, call in
                let body = try call.body(["storage", "site", "kind", "base", "limit_active"])
                let (name, site) = (try body.text("storage"), try body.optionalText("site"))
                let (kind, base) = (try body.optionalText("kind") ?? "posix", try body.text("base"))
                let limit = try body.optionalInt("limit_active") ?? 8
                return try await gateway.change(call) {
                    try await $0.addStorage(name, site: site, kind: kind, base: base, limit: limit)
                }
            },
            .post("/clouds", role: .administrator) { gateway, call in
                let name = try call.body(["cloud"]).text("cloud")
                return try await gateway.change(call) { try await $0.addCloud(name) }
            },
            .post("/rules", role: .operator) { gateway, call in
                let rule = try NewRule(call)
                return try await gateway.change(call) { try await $0.addRule(rule) }
            },
            Self.rule("enable", active: true),
            Self.rule("disable", active: false),
            Self.transfer("retry") { try await $0.retryTransfer($1, reason: $2) },
            Self.transfer("cancel") { try await $0.cancelTransfer($1, reason: $2) },
        ] + SiteAction.allCases.map(Self.site)

    /// The site is in the catalogue already; its exchange is also declared by whoever makes its account, so a broker that is away
    /// now is no reason to fail.
    private static func declare(_ site: String, _ gateway: Gateway) async {
        do {
            try await gateway.declareSite(site)
        } catch {
            gateway.logger.warning(
                "the site's exchange is not declared yet",
                metadata: ["site": "\(site)", "error": "\(error)"]
            )
        }
    }

    private static func site(_ action: SiteAction) -> Route {
        .post("/sites/{site}/\(action.rawValue)", role: action.role) { gateway, call in
            let body = try call.body(["reason", "until"])
            let (name, reason) = (try call.text("site"), try body.reason())
            let until = try body.optionalMoment("until")
            return try await gateway.change(call) {
                try await $0.setSite(name, action, reason: reason, until: until)
            }
        }
    }

    private static func rule(_ word: String, active: Bool) -> Route {
        .post("/rules/{rule}/\(word)", role: .operator) { gateway, call in
            _ = try call.body([])
            let name = try call.text("rule")
            return try await gateway.change(call) { try await $0.setRule(name, active: active) }
        }
    }

    private static func transfer(
        _ word: String,
        _ change: @escaping @Sendable (Operations, Int64, String?) async throws -> Outcome
    ) -> Route {
        .post("/transfers/{transfer}/\(word)", role: .operator) { gateway, call in
            let (id, reason) = (try call.integer("transfer"), try call.body(["reason"]).reason())
            return try await gateway.change(call) { try await change($0, id, reason) }
        }
    }
}

extension NewRule {
    fileprivate init(_ call: Call) throws(Refusal) {
        let body = try call.body([
            "rule", "priority", "code_first", "code_last", "pattern", "scope", "blame", "action", "parameters",
            "expires",
        ])
        guard let action = try body.optionalWord("action", VerdictAction.self) else {
            throw Refusal(.badRequest, "action is missing")
        }
        let scope = try body.optionalGroup("scope", keys: ["site", "taskKind"])
        let parameters = try body.optionalGroup("parameters", keys: ["pauseSeconds", "elsewhere", "uncountedLimit"])
        self.init(
            rule: try body.text("rule"),
            priority: Int(try body.integer("priority")),
            codeFirst: Int(try body.integer("code_first")),
            codeLast: Int(try body.integer("code_last")),
            pattern: try body.optionalText("pattern"),
            site: try scope?.optionalText("site"),
            taskKind: try scope?.optionalText("taskKind"),
            blame: try body.optionalWord("blame", Blame.self),
            action: action,
            parameters: RuleParameters(
                pauseSeconds: try parameters?.optionalNumber("pauseSeconds"),
                elsewhere: try parameters?.optionalTruth("elsewhere"),
                uncountedLimit: try parameters?.optionalInt("uncountedLimit")
            ),
            expires: try body.optionalMoment("expires")
        )
    }
}
