/// Where the kernel counts the memory of a process: its control group and those above it.
struct ControlGroup: Sendable, Equatable {
    enum Version: Sendable { case legacy, unified }

    var version: Version
    /// Absolute paths: the group's own folder first, the highest that can be seen last.
    var folders: [String]

    /// The group that limits the memory of a process; nil: none can be seen.
    ///
    /// - Parameters:
    ///   - groups: of `/proc/PID/cgroup`, see cgroups(7).
    ///   - mounts: of `/proc/self/mountinfo`, see proc_pid_mountinfo(5).
    init?(groups: String, mounts: String) {
        // Where version 1 has the memory controller, version 2 cannot have it.
        for version in [Version.legacy, .unified] {
            guard let path = Self.path(in: groups, version) else { continue }
            for mount in mounts.split(separator: "\n").compactMap({ Self.mount($0, version) }) {
                guard let folders = Self.folders(path, below: mount) else { continue }
                self.version = version
                self.folders = folders
                return
            }
        }
        return nil
    }

    /// The counters, with the limits of the groups above.
    ///
    /// - Parameter read: the text of a file; nil: there is none, or it may not be read.
    func events(read: (_ path: String) -> String?) -> MemoryEvents? {
        guard let own = self.folders.first else { return nil }
        var events = self.events(in: own, names: ["memory.events", "memory.events.local"], read)
        for folder in self.folders.dropFirst() {
            // Of a group above only its own limit counts: others below it are not ours.
            guard let above = self.events(in: folder, names: ["memory.events.local"], read) else { continue }
            events = events?.adding(limitsOf: above)
        }
        return events
    }

    private func events(in folder: String, names: [String], _ read: (String) -> String?) -> MemoryEvents? {
        switch self.version {
        case .unified: return names.compactMap { read(folder + "/" + $0) }.first.map(MemoryEvents.unified)
        case .legacy:
            let (control, failures) = (read(folder + "/memory.oom_control"), read(folder + "/memory.failcnt"))
            if control == nil, failures == nil { return nil }
            return MemoryEvents.legacy(oomControl: control, failcnt: failures)
        }
    }

    /// A line is `NUMBER:CONTROLLERS:PATH`; the controllers of version 2 are not named.
    private static func path(in groups: String, _ version: Version) -> String? {
        for line in groups.split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, parts[2].hasPrefix("/") else { continue }
            let isIt =
                switch version {
                case .legacy: parts[1].split(separator: ",").contains("memory")
                case .unified: parts[0] == "0" && parts[1].isEmpty
                }
            if isIt { return String(parts[2]) }
        }
        return nil
    }

    /// A line is `ID PARENT DEVICE ROOT PLACE OPTIONS [TAGS] - TYPE SOURCE SUPEROPTIONS`.
    private static func mount(_ line: Substring, _ version: Version) -> (root: String, place: String)? {
        let words = line.split(separator: " ")
        guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count > dash + 3 else { return nil }
        let isIt =
            switch version {
            case .legacy: words[dash + 1] == "cgroup" && words[dash + 3].split(separator: ",").contains("memory")
            case .unified: words[dash + 1] == "cgroup2"
            }
        return isIt ? (String(words[3]), String(words[4])) : nil
    }

    private static func folders(_ path: String, below mount: (root: String, place: String)) -> [String]? {
        var rest = path[...]
        if mount.root != "/" {
            // In a container the root of the mount may be the group itself.
            guard path == mount.root || path.hasPrefix(mount.root + "/") else { return nil }
            rest = path.dropFirst(mount.root.count)
        }
        let names = rest.split(separator: "/")
        // A group outside what this process may see.
        guard !names.contains("..") else { return nil }
        return (0...names.count).reversed().map { count in
            ([mount.place] + names.prefix(count).map(String.init)).joined(separator: "/")
        }
    }
}
