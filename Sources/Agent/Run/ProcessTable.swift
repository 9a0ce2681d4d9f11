import Glibc

/// What /proc says about the processes of this machine.
enum ProcessTable {
    /// What is used here of `/proc/PID/stat`.
    struct Entry: Sendable, Equatable {
        var pid: pid_t
        var state: Character
        var session: pid_t
        var residentPages: Int64

        /// See proc_pid_stat(5). The name, in parentheses, may hold anything, also parentheses.
        init?(stat text: String) {
            guard let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")"),
                let pid = pid_t(text[..<open].trimmingSpaces())
            else { return nil }
            let fields = text[text.index(after: close)...].split(separator: " ")
            guard fields.count > 21, let state = fields[0].first, let session = pid_t(fields[3]),
                let pages = Int64(fields[21])
            else { return nil }
            self.pid = pid
            self.state = state
            self.session = session
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

    /// Resident memory of a session in bytes. Pages that its processes share count once for each of them.
    static func residentBytes(session: pid_t) -> Int64 {
        let pages = Self.entries().filter { $0.session == session }.map(\.residentPages).reduce(0, +)
        return pages * Int64(sysconf(CInt(_SC_PAGESIZE)))
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
