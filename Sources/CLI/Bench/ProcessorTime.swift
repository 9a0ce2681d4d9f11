import FoundationEssentials
import Glibc

/// CPU time of processes of this machine, from `/proc`: see proc(5).
enum ProcessorTime {
    /// User and system time, seconds, of all of these together.
    ///
    /// - Throws: ``CommandFailure`` when one of them is not here: it has ended, or runs elsewhere.
    static func seconds(_ processes: [Int]) throws -> Double {
        try processes.reduce(0) { try $0 + self.seconds($1) }
    }

    /// User and system time, seconds, of a server that makes a process for each session: its own, that of its sessions, and that of
    /// sessions that have ended.
    static func server(of session: Int) throws -> Double {
        let server = try self.fields(session)[1]
        let children = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int.init).compactMap {
            try? self.fields($0)  // not an error: one that has just ended is counted by the server
        }.filter { $0[1] == server }
        return try (self.fields(server)[11...14] + children.flatMap { $0[11...12] }).reduce(0) { $0 + Double($1) }
            / self.ticks
    }

    private static func seconds(_ process: Int) throws -> Double {
        try self.fields(process)[11...12].reduce(0) { $0 + Double($1) } / self.ticks
    }

    private static var ticks: Double { Double(sysconf(Int32(_SC_CLK_TCK))) }

    /// The numbers of `/proc/PID/stat` from the third on; the state, a letter, is 0.
    private static func fields(_ process: Int) throws -> [Int] {
        let path = "/proc/\(process)/stat"
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure(.failed, "\(path): \(error): this measures only a farm on the same machine")
        }
        // The name may hold spaces; the fields after it are counted from the third.
        let fields = text.lastIndex(of: ")").map { text[text.index(after: $0)...].split(separator: " ") } ?? []
        guard fields.count > 14 else { throw CommandFailure(.failed, "\(path) is not as proc(5) says") }
        return fields.map { Int($0) ?? 0 }
    }

    /// The process of this machine that listens on a TCP port.
    ///
    /// - Throws: ``CommandFailure`` when none does, or its files cannot be read.
    static func listener(on port: Int) throws -> Int {
        let sockets = try Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { try self.sockets($0, listeningOn: port) })
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int.init)
        let found = processes.first { process in
            let folder = "/proc/\(process)/fd"
            // Not an error: a process that has just ended, or is somebody else's, has no files for us.
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return files.contains { file in
                // Not an error: it has been closed meanwhile.
                let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(file)")
                return target.map(sockets.contains) ?? false
            }
        }
        guard let found else {
            throw CommandFailure(
                .failed,
                "nobody here listens on port \(port): this measures only a farm on the same machine"
            )
        }
        return found
    }

    /// As the links in `/proc/PID/fd` name them: see proc(5), `/proc/net/tcp`.
    private static func sockets(_ table: String, listeningOn port: Int) throws -> [String] {
        try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let hex = fields[1].split(separator: ":").last,
                Int(hex, radix: 16) == port
            else { return nil }
            return "socket:[\(fields[9])]"
        }
    }
}
