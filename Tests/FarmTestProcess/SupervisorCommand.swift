import Farm
import Foundation
import Glibc
import Logging

/// `up STATE [--detach]`, as `millrace` has it, with a migration and a seed that only say that they were called.
struct SupervisorCommand {
    private let arguments: [String]

    init(_ arguments: [String]) { self.arguments = arguments }

    func run() async {
        let options = Supervisor.Options(state: self.arguments[1])
        let journal = ProcessInfo.processInfo.environment["MILLRACE_TEST_JOURNAL"]
        let hooks = Supervisor.Hooks(
            migrate: { _ in append("migrate", to: journal) },
            seed: { endpoints in
                append("seed", to: journal)
                return Dictionary(uniqueKeysWithValues: endpoints.sites.map { ($0.name, endpoints.amqpURL + "site") })
            }
        )
        do {
            if self.arguments.contains("--detach") {
                let rest = self.arguments.filter { $0 != "--detach" }
                print(try await Supervisor.detach(options, arguments: rest))
                return
            }
            let logger = Logger(label: "farm") { StreamLogHandler.standardError(label: $0) }
            try await Supervisor.run(options, hooks: hooks, logger: logger) { print($0) }
        } catch {
            complain("\(error)")
            exit(1)
        }
    }
}
