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

    private static func seconds(_ process: Int) throws -> Double {
        let path = "/proc/\(process)/stat"
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure(.failed, "\(path): \(error): this measures only a farm on the same machine")
        }
        guard let end = text.lastIndex(of: ")") else { throw CommandFailure(.failed, "\(path) is not as proc(5) says") }
        // The name may hold spaces; the fields after it are counted from the third.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else {
            throw CommandFailure(.failed, "\(path) is not as proc(5) says")
        }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// The processes whose program has this name.
    static func processes(named name: String) throws -> [Int] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int.init).filter { process in
            // Not an error: one that has just ended has no name any more.
            (try? String(contentsOfFile: "/proc/\(process)/comm", encoding: .utf8)) == "\(name)\n"
        }
    }
}
