import ArgumentParser
import Messages

/// `millrace recover`: what is lost or missing of a task is made again.
struct RecoverCommand: TaskAction {
    static let configuration = CommandConfiguration(
        commandName: "recover",
        abstract: "Make again what is lost or missing of a task; what runs is left alone.",
        discussion: """
            Looks at every job: given up with nothing accepted, it waits again; with outputs lost, missing or cut short, its winner \
            is withdrawn and it is made again, unless another job has read them or their dataset is closed; with its input \
            declared lost, it is given up. May be run at any time, and again. `millrace task check` prints the same plan and \
            changes nothing.
            """
    )
    static let action = "recover"
    @OptionGroup var arguments: TaskActionArguments
}

extension TaskCommands {
    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what `millrace recover` would do about a task; nothing is changed."
        )
        @OptionGroup var options: ShowOptions
        @Argument(help: "The task.") var task: Int64

        mutating func run() async throws {
            let plan = try await GatewayClient.fromEnvironment().get("/tasks/\(self.task)/recovery")
            try self.options.show(plan, plan["lines"].items.compactMap(\.text))
        }
    }
}
