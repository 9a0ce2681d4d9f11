import ArgumentParser

/// `millrace`: what operators and physicists type.
@main
struct Millrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "millrace",
        abstract: "A production system for scientific computing.",
        discussion: """
            MILLRACE_URL and MILLRACE_TOKEN say where the centre is and who you are (`millrace env` prints both for a farm of \
            this machine); without them the farm in MILLRACE_STATE (./.millrace) is used if one runs there.

            Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused by state or permission.
            """,
        version: MillraceVersion.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Production",
                subcommands: [
                    SampleCommands.self, WorkflowCommands.self, RequestCommands.self, TrackerCommand.self,
                    TaskCommands.self, ShareCommands.self, JobCommands.self, DatasetCommands.self, FileCommands.self,
                    TransferCommands.self, MetadataCommands.self, ContainerCommands.self, RecoverCommand.self,
                    ErrorCommands.self, ReportCommand.self, ArchiveCommand.self, CleanupCommands.self,
                ]
            ),
            CommandGroup(
                name: "Sites and rules",
                subcommands: [SiteCommands.self, StorageCommands.self, AgentCommands.self, RuleCommands.self]
            ),
            CommandGroup(
                name: "A farm on this machine",
                subcommands: [
                    UpCommand.self, DownCommand.self, StatusCommand.self, EnvCommand.self, DoctorCommand.self,
                    MigrateCommand.self, RebuildCommand.self, DemoCommand.self, BenchCommand.self, VersionCommand.self,
                ]
            ),
        ]
    )

    static func main() async {
        do {
            var command = try self.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            Self.end(with: error)
        }
    }

    /// Help goes to standard output; every error is one line on standard error and has the exit status of its kind.
    private static func end(with error: any Error) -> Never {
        if let failure = error as? CommandFailure { failure.exit() }
        switch self.exitCode(for: error) {
        case .success:
            Terminal.write(self.fullMessage(for: error) + "\n")
            CommandFailure.exit(status: 0)
        case .validationFailure:
            let reason = self.message(for: error).split(separator: "\n").joined(separator: " ")
            CommandFailure(.usage, "\(reason); see millrace --help").exit()
        default:
            CommandFailure(.failed, "\(error)").exit()
        }
    }
}

/// Which build this is.
enum MillraceVersion {
    static let text = "0.1.0"
}
