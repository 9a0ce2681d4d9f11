import Logging
import HTTPTypes
import Catalog
import Domain
import Messages

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
                let (draft, expires) = (try RuleDraft(call), try call.body(RuleDraft.keys).optionalMoment("expires"))
                return try await gateway.change(call) { try await $0.addRule(draft, expires: expires) }
            },
            .post("/rules/test", role: .physicist) { gateway, call in
                let body = try call.body(RuleDraft.keys.union(["since"]))
                let (name, since) = (try body.text("rule"), try body.moment(before: "since", orElse: "7d"))
                let isNew = try body.optionalText("action") != nil || body.optionalText("blame") != nil
                let draft = isNew ? try RuleDraft(body) : nil
                return try await gateway.change(call) { try await $0.tryRule(name, draft, since: since) }
            },
            Self.rule("enable", active: true),
            Self.rule("disable", active: false),
            .post("/rules/{rule}/remove", role: .operator) { gateway, call in
                _ = try call.body([])
                let name = try call.text("rule")
                return try await gateway.change(call) { try await $0.removeRule(name) }
            },
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

extension RuleDraft {
    /// What the body of a new rule may hold.
    fileprivate static let keys: Set<String> = [
        "rule", "kind", "priority", "code_first", "code_last", "pattern", "scope", "attempt_first", "attempt_last",
        "blame",
        "action", "parameters", "active", "why", "expires",
    ]

    fileprivate init(_ call: Call) throws(Refusal) { try self.init(call.body(Self.keys)) }

    fileprivate init(_ body: Body) throws(Refusal) {
        let action = try body.optionalText("action")
        self.init(
            kind: try body.optionalText("kind") ?? (action == nil ? "blame" : "action"),
            name: try body.text("rule"),
            priority: try body.optionalInt("priority") ?? 100,
            firstCode: try body.optionalInt("code_first"),
            lastCode: try body.optionalInt("code_last"),
            pattern: try body.optionalText("pattern"),
            scope: try body.scalars("scope"),
            firstAttempt: try body.optionalInt("attempt_first"),
            lastAttempt: try body.optionalInt("attempt_last"),
            blame: try body.optionalText("blame"),
            action: action,
            parameters: try Self.parameters(body),
            state: try body.optionalTruth("active") == false ? "observed" : "active",
            why: try body.optionalText("why") ?? ""
        )
    }

    private static func parameters(_ body: Body) throws(Refusal) -> [String: RuleValue] {
        let values = try body.value("parameters", orElse: .group([:]))
        guard case .group(let pairs) = values else {
            throw Refusal(.badRequest, "parameters must be a group of keys")
        }
        var read: [String: RuleValue] = [:]
        for (name, value) in pairs {
            switch value {
            case .text(let text): read[name] = .text(text)
            case .integer(let number): read[name] = .number(Double(number))
            case .number(let number): read[name] = .number(number)
            case .truth(let flag): read[name] = .flag(flag)
            case .list, .group, .nothing:
                throw Refusal(.badRequest, "parameters.\(name) must be a number, a word, true or false")
            }
        }
        return read
    }
}
