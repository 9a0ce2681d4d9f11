import ArgumentParser
import Messages

extension RequestCommands {
    struct History: ListCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Show what became of a request and its tasks, and what people changed: when, who, from, to, and why."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "The request.") var request: Int64

        var path: String { "/requests/\(self.request)/history" }
        var columns: [Column] { Transitions.columns }
    }
}

extension TaskCommands {
    struct History: ListCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what became of a task, and what people changed of it: when, who, from, to, and why."
        )
        @OptionGroup var options: ListOptions
        @Argument(help: "The task.") var task: Int64

        var path: String { "/tasks/\(self.task)/history" }
        var columns: [Column] { Transitions.columns }
    }
}
