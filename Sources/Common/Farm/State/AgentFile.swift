import Foundation
import Glibc
import PrivateServers
import Yams

/// `agent.yaml`: all that a site writes to have an agent.
package struct AgentFile: Codable, Equatable, Sendable {
    package struct Storage: Codable, Equatable, Sendable {
        package var kind: String
        package var base: String

        package init(kind: String, base: String) {
            self.kind = kind
            self.base = base
        }
    }

    package struct Folder: Codable, Equatable, Sendable {
        package var folder: String

        package init(folder: String) { self.folder = folder }
    }

    package var site: String
    package var agent: String
    /// With the site's own account: the file is readable by its owner alone.
    package var amqp: String
    /// Where jobs run and the journal is.
    package var work: String
    package var slots: Int
    package var memoryMBPerCore: Int
    package var walltimeSeconds: Int
    package var diskMB: Int
    package var platform: String
    package var tags: [String]
    package var storage: [String: Storage]
    /// The storage element that outputs go to.
    package var output: String
    /// A file with the public half of the Scheduler's key, base64.
    package var signingKey: String
    package var software: Folder
    package var logs: Folder
    package var heartbeatSeconds: Int
    /// A step that neither writes nor uses CPU for so long is ended; nil: what the agent takes by itself.
    package var loopingSeconds: Int?
    /// `127.0.0.1:PORT` of its health and metrics; nil: none.
    package var admin: String?

    /// What suits this machine: all its cores, four fifths of its memory, half of the free disk.
    package static func forThisMachine(
        site: FarmSite,
        amqp: String,
        adminPort: Int? = nil,
        layout: FarmLayout
    ) -> AgentFile {
        let cores = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let memory = Int(ProcessInfo.processInfo.physicalMemory >> 20)
        let folder = layout.agent(site.name)
        return AgentFile(
            site: site.name,
            agent: site.agent,
            amqp: amqp,
            work: folder + "/work",
            slots: site.slots ?? cores,
            memoryMBPerCore: max(256, memory * 4 / 5 / cores),
            walltimeSeconds: 86_400,
            diskMB: Int((FarmFolder.freeBytes(layout.state) ?? 0) >> 21),
            platform: Self.platform,
            tags: [],
            storage: [site.storage: Storage(kind: "posix", base: layout.storage(site.storage))],
            output: site.storage,
            signingKey: layout.signingPublicKey,
            software: Folder(folder: folder + "/software"),
            logs: Folder(folder: folder + "/logs"),
            heartbeatSeconds: 10,
            admin: adminPort.map { "127.0.0.1:\($0)" }
        )
    }

    /// Such as `linux-x86_64`.
    package static var platform: String {
        #if arch(x86_64)
        "linux-x86_64"
        #elseif arch(arm64)
        "linux-aarch64"
        #else
        "any"
        #endif
    }

    private static let title =
        "# Written by `millrace up`. It may be edited: only amqp, signingKey and admin are kept up to date.\n"

    package func yaml() throws -> String { try Self.title + YAMLEncoder().encode(self) }

    /// Writes the file with its folders, and the folders of its storage that are on this machine.
    ///
    /// A file that is there keeps what its owner wrote, every key of it, whether this program knows the key or not; only the broker's
    /// address, the key and the admin port follow the farm. If one of them changes, comments but those at the top are lost.
    ///
    /// - Throws: ``FarmError`` if the file that is there cannot be read; `ServerError` if it cannot be written.
    package func write(to path: String) throws {
        guard PrivateFiles.exists(path) else {
            try Self.makeFolders([self.work, self.software.folder, self.logs.folder], self.storage)
            return try PrivateFiles.replace(path, with: self.yaml())
        }
        let text = try PrivateFiles.readAll(path)
        do {
            guard let former = try Yams.compose(yaml: text), var keys = former.mapping else {
                throw FarmError(.damagedState, "\(path) is not an agent's file: it has no keys")
            }
            // The agent takes a password from one place alone.
            keys["amqp"] = Node(keys["passwordFile"] == nil ? self.amqp : Self.withoutPassword(self.amqp))
            keys["signingKey"] = Node(self.signingKey)
            keys["admin"] = self.admin.map { Node($0) }
            let now = Node.mapping(keys)
            // Not even its comments are touched then.
            if now == former { return }
            let places = try YAMLDecoder().decode(Places.self, from: text)
            let folders = [places.work] + [places.software, places.logs].compactMap(\.?.folder)
            try Self.makeFolders(folders, places.storage)
            let comments = text.split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("#") }
            try PrivateFiles.replace(path, with: comments.map { "\($0)\n" }.joined() + Yams.serialize(node: now))
        } catch let error as DecodingError {
            throw FarmError(.damagedState, "\(path) is not an agent's file: \(error)")
        } catch let error as YamlError {
            throw FarmError(.damagedState, "\(path) is not an agent's file: \(error)")
        }
    }

    /// The folders in a file that its owner wrote: what it leaves out the agent chooses, below `work`.
    private struct Places: Decodable {
        let work: String
        let software: Folder?
        let logs: Folder?
        let storage: [String: Storage]
    }

    /// `amqp://user@host/` of `amqp://user:password@host/`.
    private static func withoutPassword(_ url: String) -> String {
        guard let start = url.firstRange(of: "://")?.upperBound, let at = url[start...].firstIndex(of: "@"),
            let colon = url[start..<at].firstIndex(of: ":")
        else { return url }
        return String(url[..<colon] + url[at...])
    }

    private static func makeFolders(_ folders: [String], _ storage: [String: Storage]) throws {
        for folder in folders + storage.values.filter({ $0.kind == "posix" }).map(\.base) {
            try PrivateFiles.makeFolder(folder)
        }
    }

    package static func read(_ path: String) throws -> AgentFile {
        do {
            return try YAMLDecoder().decode(Self.self, from: PrivateFiles.readAll(path))
        } catch let error as DecodingError {
            throw FarmError(.damagedState, "\(path) is not an agent's file: \(error)")
        }
    }
}

/// A site that the farm runs an agent for.
package struct FarmSite: Equatable, Sendable {
    package var name: String
    package var agent: String
    /// Its storage element, a folder of the farm.
    package var storage: String
    /// nil: the cores of the machine.
    package var slots: Int?

    package init(name: String = "local", agent: String = "main", storage: String = "LOCAL", slots: Int? = nil) {
        self.name = name
        self.agent = agent
        self.storage = storage
        self.slots = slots
    }
}
