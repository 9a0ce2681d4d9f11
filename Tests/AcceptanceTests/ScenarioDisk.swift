import Foundation
import Messages
import Storage
import Testing

/// The disk of a site that is simulated: what its attempts claim to have stored is there.
struct ScenarioDisk: Sendable {
    /// The base of the storage element.
    let base: String

    private static let content = Data(count: 1000)

    /// Writes the files of a manifest, each a thousand zeros, as a site does before it reports. - Returns: the manifest with their
    /// checksums.
    func storing(_ item: FinishedItem) -> FinishedItem {
        var item = item
        for place in item.outputs.indices where item.outputs[place].lfn != nil {
            item.outputs[place] = self.storing(item.outputs[place], Self.content)
        }
        return item
    }

    /// Writes the file of an output. - Returns: the output with its size and checksums.
    func storing(_ output: ManifestOutput, _ content: Data) -> ManifestOutput {
        var output = output
        let path = URL(filePath: self.base + (output.lfn ?? ""))
        do {
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try content.write(to: path)
        } catch {
            Issue.record("the scenario cannot write \(path.path): \(error)")
        }
        let file = Self.file(content)
        (output.bytes, output.adler32, output.crc32c) = (file.bytes, file.adler32, file.crc32c)
        return output
    }

    func content(of lfn: String) throws -> Data { try Data(contentsOf: URL(filePath: self.base + lfn)) }

    /// What a file of this content is.
    static func file(_ content: Data) -> StoredFile {
        var sum = RunningChecksum()
        content.withUnsafeBytes { sum.update($0) }
        return sum.file
    }

    func holds(_ lfn: String) -> Bool { FileManager.default.fileExists(atPath: self.base + lfn) }

    /// The logical names of the files that are there.
    func files() -> Set<String> {
        var found: Set<String> = []
        let files = FileManager.default.enumerator(atPath: self.base)
        while let path = files?.nextObject() as? String {
            if files?.fileAttributes?[.type] as? FileAttributeType == .typeRegular { found.insert("/" + path) }
        }
        return found
    }
}
