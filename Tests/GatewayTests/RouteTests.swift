import Access
import Catalog
import Domain
@testable import Gateway
import HTTPTypes
import Messages
import Testing

@Suite struct RouteTests {
    @Test func everyRouteIsDescribedAndEveryDescriptionIsARoute() throws {
        let description = try WireFormat.value(DetailValue.self, from: Assets.openAPI)
        guard case .group(let paths)? = description["paths"] else { throw Refusal(.badRequest, "no paths") }
        var described: Set<String> = []
        for (path, methods) in paths {
            guard case .group(let methods) = methods else { continue }
            for (method, operation) in methods {
                let role = operation["x-role"]?.text ?? "?"
                let shared = ["after", "limit", "order", "dryRun"]
                let names = (operation["parameters"]?.list ?? []).compactMap { parameter -> String? in
                    if let reference = parameter["$ref"]?.text {
                        return shared.first { reference.hasSuffix("/\($0)") }
                    }
                    return parameter["in"]?.text == "query" ? parameter["name"]?.text : nil
                }
                described.insert("\(method) \(path) \(role) \(names.sorted())")
            }
        }
        let routes = Set(
            Route.all.map { "\($0.method.rawValue.lowercased()) \($0.path) \($0.role.rawValue) \($0.query.sorted())" }
        )
        #expect(described == routes, "\(described.symmetricDifference(routes).sorted())")
        #expect(routes.count == Route.all.count)
    }

    @Test func everyListAnswersItsRowsAndPages() async throws {
        try await withGateway(production: Production.running()) { gateway in
            for listing in Listings.all {
                let all = try await gateway.get("/\(listing.name)?limit=10000")
                #expect(all.status == 200, "\(listing.name): \(all.text.prefix(200))")
                let rows = try all.items
                #expect(!rows.isEmpty, "\(listing.name)")
                for order in ["asc", "desc"] {
                    var paged: [[String: DetailValue]] = []
                    var next: String?
                    let size = max(1, (rows.count + 2) / 3)
                    repeat {
                        let after = next.map { "&after=\($0)" } ?? ""
                        let page = try await gateway.get("/\(listing.name)?limit=\(size)&order=\(order)\(after)")
                        paged += try page.items
                        next = try page.json["next"]?.text
                    } while next != nil && paged.count <= rows.count
                    // What processes say of themselves changes between two looks.
                    let isSteady = listing.name != "services"
                    let expected = order == "asc" ? rows : rows.reversed()
                    if isSteady { #expect(paged == expected, "\(listing.name) \(order)") }
                    #expect(paged.count == rows.count, "\(listing.name) \(order)")
                }
            }
        }
    }

    @Test func everySingleObjectAnswers() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let parents = "/files/parents?lfn=/1/merge/merged/0/2.0.1.slcio"
            let paths = [
                "/requests/1", "/requests/1/history", "/tasks/1", "/tasks/1/history", "/tasks/1/recovery", "/jobs/1/0",
                "/jobs/1/1999", "/jobs/1/1069/history",
                "/jobs/1/1500/why",
                "/jobs/1/1069/log", "/attempts/1/0/1", "/datasets/1.simulate.events",
                "/datasets/1.simulate.events/files",
                "/files/show?lfn=/1/simulate/plot/0/1.0.1.png", parents,
                "/files/children?lfn=/1/simulate/events/0/1.0.1.slcio&depth=1", "/sites/lyon", "/samples/zh250",
                "/workflows/tpc-study?version=1", "/transfers/1", "/rules/payload", "/containers/study",
                "/containers/study/files", "/files/count?where=run%20%3D%201", "/stats", "/me", "/openapi.json",
            ]
            for path in paths {
                let answer = try await gateway.get(path)
                #expect(answer.status == 200, "\(path): \(answer.text.prefix(300))")
                #expect(answer.headers["content-type"]?.hasPrefix("application/json") == true)
            }
            let made = try await gateway.get(parents).items
            #expect(made.compactMap { $0["lfn"]?.text }.count == 2)
            #expect(made.allSatisfy { row in ["software", "site", "node", "lost"].allSatisfy(row.keys.contains) })
            let waiting = try await gateway.get("/jobs/1/1999").json
            #expect(waiting["state"]?.text == "waiting" && waiting["attempts"]?.integer == 0)
            let why = try await gateway.get("/jobs/3/500/why").json
            #expect(why["summary"]?.text == "its task is paused: the same failure on 12 jobs")
            #expect(why["agents"]?.list.contains { $0["misfit"]?.text?.contains("needs tag gpu") == true } == true)
            let history = try await gateway.get("/jobs/1/1069/history").items.compactMap { $0["entity"]?.text }
            #expect(Set(history) == ["job:1.1069", "attempt:1.1069.1"])
            for path in ["/requests/99", "/tasks/99", "/jobs/1/5000", "/jobs/9/1/why", "/sites/none", "/nothing"] {
                let answer = try await gateway.get(path)
                #expect(answer.status == 404 && !answer.error.isEmpty, "\(path): \(answer.text)")
            }
        }
    }

    @Test func filtersAreValuesAndNeverText() async throws {
        try await withGateway(production: Production.running()) { gateway in
            #expect(try await gateway.get("/tasks?state=paused").items.count == 1)
            #expect(try await gateway.get("/tasks?state=paused,running&request=1,2").items.count == 3)
            #expect(try await gateway.get("/files?prefix=/1/merge/").items.count == 1)
            let attacks = [
                "'%20OR%20'1'='1", "');DROP%20TABLE%20request;--", "x%27%3B%20SELECT%20pg_sleep(10)", "%5C%27",
            ]
            for attack in attacks {
                for path in ["/requests?owner=", "/sites/", "/files/show?lfn=", "/workflows/", "/transitions?entity="] {
                    let answer = try await gateway.get(path + attack)
                    #expect([200, 404].contains(answer.status), "\(path)\(attack): \(answer.text)")
                    if answer.status == 200 { #expect(try answer.items.isEmpty) }
                }
                #expect(try await gateway.get("/requests?request=\(attack)").status == 400)
                #expect(try await gateway.get("/requests?after=\(attack)").status == 400)
                #expect(try await gateway.get("/requests?limit=\(attack)").status == 400)
            }
            let wrong = [
                "owner=a&owner=b", "state=a%00b", "limit=0", "limit=10001", "order=up", "colour=blue", "owner=%FF",
            ]
            for query in wrong { #expect(try await gateway.get("/requests?\(query)").status == 400, "\(query)") }
            #expect(try await gateway.get("/requests").items.count == 3)
        }
    }

    @Test func onlyGoodTokensAndGreatEnoughRolesGetIn() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func status(_ header: String?, _ path: String = "/api/v1/requests") async throws -> Int {
                try await gateway.send("GET", path, headers: header.map { ["Authorization": $0] } ?? [:]).status
            }
            let good = try await gateway.token(.viewer)
            let other = try await TokenMaker(key: TokenMaker.makeKey()).token(
                who: "x",
                role: .administrator,
                seconds: 60
            )
            let old = try await gateway.tokens.token(who: "x", role: .viewer, seconds: -5)
            #expect(try await status("Bearer \(good)") == 200)
            for header in [nil, "Bearer", "Bearer x.y.z", "Basic \(good)", "Bearer \(other)", "Bearer \(old)"] {
                #expect(try await status(header) == 401, "\(header ?? "none")")
            }
            // The header and claims of a good token with the signature "none".
            let parts = good.split(separator: ".")
            #expect(try await status("Bearer eyJhbGciOiJub25lIn0.\(parts[1]).") == 401)
            for route in Route.all where route.method == .post {
                let path = route.path.replacing("{request}", with: "1").replacing("{task}", with: "1")
                    .replacing("{site}", with: "lyon").replacing("{transfer}", with: "1").replacing(
                        "{rule}",
                        with: "payload"
                    )
                let less: Role =
                    route.role == .administrator ? .operator : route.role == .operator ? .physicist : .viewer
                let answer = try await gateway.post(path, "{}", as: less)
                #expect(answer.status == 403, "\(path): \(answer.text)")
            }
        }
    }

    @Test func aBrowserGetsItsTokenAsACookieAndMustShowThatAChangeIsOurs() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let token = try await gateway.token(.operator)
            let entry = try await gateway.send("GET", "/?token=\(token)")
            #expect(entry.status == 303 && entry.headers["location"] == "/")
            let cookie = try #require(entry.headers["set-cookie"])
            #expect(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"))
            let own = ["Cookie": "millrace_token=\(token)"]
            #expect(try await gateway.send("GET", "/api/v1/requests", headers: own).status == 200)
            #expect(try await gateway.send("POST", "/api/v1/requests/1/hold", headers: own, body: "{}").status == 403)
            let marked = own.merging(["X-Millrace": "1"]) { $1 }
            #expect(
                try await gateway.send("POST", "/api/v1/requests/1/hold", headers: marked, body: "{}").status == 200
            )
            #expect(try await gateway.send("GET", "/?token=wrong").status == 401)
            let page = try await gateway.send("GET", "/")
            #expect(page.status == 200 && page.headers["x-content-type-options"] == "nosniff")
            let policy = try #require(page.headers["content-security-policy"])
            #expect(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"))
            #expect(!policy.contains("unsafe-inline"))
        }
    }
}
