import Testing

@testable import Farm

@Suite struct FarmPlanTests {
    private static let sites = [FarmSite(name: "north", storage: "NORTH"), FarmSite(name: "south", storage: "SOUTH")]

    private func plan(inherited: [String: String] = [:]) throws -> FarmPlan {
        let layout = try FarmLayout(state: "/nowhere/farm")
        let names = FarmPlan.services + Self.sites.map(FarmPlan.agentName) + [PortName.http]
        return FarmPlan(
            layout: layout,
            endpoints: FarmEndpoints(
                databaseURL: "postgresql://d",
                amqpURL: "amqp://b",
                brokerAdminURL: "http://m",
                url: "http://g",
                state: layout.state,
                sites: Self.sites
            ),
            programs: "/opt/bin",
            ports: Dictionary(uniqueKeysWithValues: zip(names, 2001...)),
            inherited: inherited
        )
    }

    @Test func eachStageStartsAfterWhatItNeeds() {
        #expect(
            FarmPlan.startOrder(sites: Self.sites) == [
                ["postgres", "rabbitmq"],
                ["scheduler", "monitor", "bookkeeper", "transfer", "gateway"],
                ["agent-north", "agent-south"],
            ]
        )
    }

    @Test func nothingStopsBeforeThoseThatUseIt() {
        #expect(
            FarmPlan.stopOrder(sites: Self.sites) == [
                ["agent-north", "agent-south"],
                ["scheduler", "monitor", "bookkeeper", "transfer", "gateway"],
                ["rabbitmq"],
                ["postgres"],
            ]
        )
    }

    @Test func aFarmWithoutSitesHasNoAgents() {
        #expect(FarmPlan.startOrder(sites: []).flatMap { $0 }.allSatisfy { !$0.hasPrefix("agent") })
        #expect(!FarmPlan.executables(sites: []).contains("millrace-agent"))
        #expect(FarmPlan.executables(sites: Self.sites).contains("millrace-agent"))
    }

    @Test func everyServiceKnowsTheCatalogueTheBrokerAndItsAdminPort() throws {
        for program in try self.plan().services() {
            #expect(program.executable == "/opt/bin/millrace-\(program.name)")
            #expect(program.environment["MILLRACE_DATABASE_URL"] == "postgresql://d")
            #expect(program.environment["MILLRACE_AMQP_URL"] == "amqp://b")
            #expect(program.environment["MILLRACE_ADMIN"] == "127.0.0.1:\(program.adminPort)")
            #expect(program.readyAfter == nil)
        }
        #expect(Set(try self.plan().services().map(\.adminPort)).count == FarmPlan.services.count)
    }

    @Test func onlyTheSchedulerSignsOffersAndOnlyTheGatewayTokens() throws {
        let programs = try self.plan().services()
        func holders(_ variable: String) -> [String] {
            programs.filter { $0.environment[variable] != nil }.map(\.name)
        }
        #expect(holders("MILLRACE_SIGNING_KEY_FILE") == ["scheduler"])
        #expect(holders("MILLRACE_TOKEN_KEY_FILE") == ["gateway"])
        #expect(holders("MILLRACE_BROKER_ADMIN_URL") == ["gateway"])
        #expect(holders("MILLRACE_GATEWAY") == ["gateway"])
    }

    @Test func anAgentKnowsItsFileAndNothingOfTheCentre() throws {
        let inherited = ["MILLRACE_DATABASE_URL": "postgresql://other", "MILLRACE_AMQP_URL": "amqp://other"]
        let agents = try self.plan(inherited: inherited).agents()
        #expect(agents.map(\.name) == ["agent-north", "agent-south"])
        for (agent, site) in zip(agents, Self.sites) {
            #expect(agent.executable == "/opt/bin/millrace-agent")
            #expect(agent.environment["MILLRACE_CONFIG"] == "/nowhere/farm/agents/\(site.name)/agent.yaml")
            #expect(agent.environment.keys.sorted() == ["MILLRACE_ADMIN", "MILLRACE_CONFIG"])
        }
    }

    @Test func settingsOfAnotherFarmAreNotPassedOn() {
        let inherited = [
            "PATH": "/bin", "HOME": "/root", "SECRET_OF_SOMEBODY": "x", "MILLRACE_LOG": "debug",
            "MILLRACE_STATE": "/other", "MILLRACE_TOKEN": "t", "MILLRACE_CONFIG": "/other.yaml",
            "MILLRACE_INSTANCE": "one", "MILLRACE_SUPERVISOR_PIPE": "3",
        ]
        #expect(FarmPlan.passedOn(inherited).keys.sorted() == ["HOME", "MILLRACE_LOG", "PATH"])
    }
}
