import Glibc

/// The other process of the farm's tests: by its name one of the programs that a farm runs, or a supervisor.
@main
enum Main {
    static func main() async throws {
        let arguments = CommandLine.arguments
        let name = arguments[0].split(separator: "/").last.map(String.init) ?? ""
        if name.hasPrefix("millrace-") {
            try await StandIn(name: String(name.dropFirst("millrace-".count))).run()
        } else {
            await SupervisorCommand(Array(arguments.dropFirst())).run()
        }
    }
}

/// One line to a file that several processes write to.
func append(_ line: String, to path: String?) {
    guard let path else { return }
    let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    let bytes = Array("\(line)\n".utf8)
    guard file >= 0, write(file, bytes, bytes.count) == bytes.count else { exit(70) }
    close(file)
}

func complain(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    guard write(2, bytes, bytes.count) == bytes.count else { exit(70) }
}
