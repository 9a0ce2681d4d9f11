import Glibc

/// What /proc says about the processes of this machine.
enum ProcessTable {
    /// What is used here of `/proc/PID/stat`.
    struct Entry: Sendable, Equatable {
        var pid: pid_t
        var parent: pid_t
        var name: String
        var state: Character
        var session: pid_t
        /// Of CPU, with those of its children that have ended and been waited for.
        var cpuTicks: Int64
        var residentPages: Int64

        /// See proc_pid_stat(5). The name, in parentheses, may hold anything, also parentheses.
        init?(stat text: String) {
            guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
                let pid = pid_t(text[..<open].trimmingSpaces())
            else { return nil }
            let fields = text[text.index(after: close)...].split(separator: " ")
            guard fields.count > 21, let state = fields[0].first, let parent = pid_t(fields[1]),
                let session = pid_t(fields[3]), let pages = Int64(fields[21])
            else { return nil }
            let ticks = fields[11...14].compactMap { Int64($0) }
            guard ticks.count == 4 else { return nil }
            self.pid = pid
            self.parent = parent
            self.name = String(text[text.index(after: open)..<close])
            self.state = state
            self.session = session
            self.cpuTicks = ticks.reduce(0, +)
            self.residentPages = pages
        }

        var isZombie: Bool { self.state == "Z" || self.state == "X" }
    }

    /// Every process; one that ends meanwhile is left out.
    static func entries() -> [Entry] {
        guard let folder = opendir("/proc") else { return [] }
        defer { closedir(folder) }
        var entries: [Entry] = []
        while let item = readdir(folder) {
            let name = withUnsafeBytes(of: &item.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard pid_t(name) != nil, let bytes = FileTree.read("/proc/\(name)/stat", limit: 4096),
                let entry = Entry(stat: String(decoding: bytes, as: UTF8.self))
            else { continue }
            entries.append(entry)
        }
        return entries
    }

    /// The processes of a session, and what they started in sessions of their own.
    static func family(session: pid_t, of entries: [Entry] = Self.entries()) -> [Entry] {
        let children = Dictionary(grouping: entries, by: \.parent)
        var waiting = entries.filter { $0.session == session }
        var found: [pid_t: Entry] = [:]
        while let entry = waiting.popLast() {
            guard found.updateValue(entry, forKey: entry.pid) == nil else { continue }
            waiting += children[entry.pid] ?? []
        }
        return found.values.sorted { $0.pid < $1.pid }
    }

    /// Resident memory in bytes. Pages that the processes share count once for each of them.
    static func residentBytes(_ entries: [Entry]) -> Int64 {
        entries.map(\.residentPages).reduce(0, +) * Int64(sysconf(CInt(_SC_PAGESIZE)))
    }

    static func cpuSeconds(_ entries: [Entry]) -> Double {
        Double(entries.map(\.cpuTicks).reduce(0, +)) / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    /// What each process is doing: its name, its state, and where in the kernel it waits, if we may know.
    static func describe(_ entries: [Entry]) -> String {
        entries.filter { !$0.isZombie }.prefix(10).map { entry in
            let place = FileTree.read("/proc/\(entry.pid)/wchan", limit: 100).map {
                String(decoding: $0, as: UTF8.self)
            }
            let known = place.flatMap { $0.isEmpty || $0 == "0" ? nil : ", \($0)" } ?? ""
            return "\(entry.name) (\(entry.state)\(known))"
        }.joined(separator: ", ")
    }

    /// Ends every process of a session, until none but zombies is left: a process may fork while we look.
    static func kill(session: pid_t) {
        for _ in 0..<100 {
            let alive = Self.entries().filter { $0.session == session && !$0.isZombie }
            if alive.isEmpty { return }
            for entry in alive { Glibc.kill(entry.pid, SIGKILL) }
            usleep(1000)
        }
    }

    /// Ends every process whose home folder is this one: what steps of a dead agent left behind.
    static func killStrays(home: String) {
        let wanted = Array("HOME=\(home)".utf8)
        for _ in 0..<100 {
            let strays = Self.entries().filter { entry in
                guard !entry.isZombie, let bytes = FileTree.read("/proc/\(entry.pid)/environ", limit: 1 << 20) else {
                    return false
                }
                return bytes.split(separator: 0).contains { $0.elementsEqual(wanted) }
            }
            if strays.isEmpty { return }
            for entry in strays { Glibc.kill(entry.pid, SIGKILL) }
            usleep(1000)
        }
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}
