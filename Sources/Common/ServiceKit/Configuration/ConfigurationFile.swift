package import Domain
import Glibc

/// Reads a configuration file, strictly: every key must be known, and have a value of the right kind.
package enum ConfigurationFile {
    /// Nobody writes a configuration of this size, in bytes.
    private static let sizeLimit = 4 << 20

    /// The document in the file.
    ///
    /// - Throws: ``ConfigurationError`` with everything that is wrong with it.
    package static func load(path: String, shape: DocumentShape) throws(ConfigurationError) -> DocumentNode {
        let node = try YAMLDocument.node(from: try Self.text(path: path), name: path)
        let problems = shape.problems(in: node, line: 1)
        guard problems.isEmpty else { throw ConfigurationError(source: path, problems: problems) }
        return node
    }

    /// The text of a file.
    ///
    /// - Throws: ``ConfigurationError`` if it cannot be read, is not UTF-8, or is larger than 4 MiB.
    package static func text(path: String) throws(ConfigurationError) -> String {
        guard let file = fopen(path, "r") else {
            throw ConfigurationError(source: path, "cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= Self.sizeLimit {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { break }
            bytes += chunk[..<count]
        }
        guard ferror(file) == 0 else {
            throw ConfigurationError(source: path, "cannot be read: \(String(cString: strerror(errno)))")
        }
        guard bytes.count <= Self.sizeLimit else {
            throw ConfigurationError(source: path, "larger than \(Self.sizeLimit) bytes")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(source: path, "is not UTF-8 text")
        }
        return text
    }
}
