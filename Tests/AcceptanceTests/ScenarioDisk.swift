import Foundation
import Messages
import Testing

/// The disk of a site that is simulated: what its attempts claim to have stored is there, as a thousand zeros.
struct ScenarioDisk: Sendable {
    /// The base of the storage element.
    let base: String

    private static let content = Data(count: 1000)
    private static let (adler32, crc32c) = ("03e80001", "d84dda57")

    /// Writes the files of a manifest, as a site does before it reports. - Returns: the manifest with their checksums.
    func storing(_ item: FinishedItem) -> FinishedItem {
        var item = item
        for place in item.outputs.indices {
            guard let lfn = item.outputs[place].lfn else { continue }
            (item.outputs[place].adler32, item.outputs[place].crc32c) = (Self.adler32, Self.crc32c)
            let path = URL(filePath: self.base + lfn)
            do {
                try FileManager.default.createDirectory(
                    at: path.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
                try Self.content.write(to: path)
            } catch {
                Issue.record("the scenario cannot write \(path.path): \(error)")
            }
        }
        return item
    }

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
