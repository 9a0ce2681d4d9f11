import Glibc

/// Files and folders of a private server: readable by us alone.
package enum PrivateFiles {
    /// Makes a folder, and those above it; an existing one is kept.
    ///
    /// - Throws: ``ServerError``.
    package static func makeFolder(_ path: String) throws {
        var partial = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            partial += "/" + component
            guard mkdir(partial, 0o700) != 0, errno != EEXIST else { continue }
            throw ServerError("could not make the folder \(partial): \(String(cString: strerror(errno)))")
        }
    }

    /// Makes a fresh folder for temporary files.
    ///
    /// - Throws: ``ServerError``.
    package static func makeTemporaryFolder(prefix: String) throws -> String {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        // mkdtemp(3) demands these six letters, and puts others in their place.
        var template = Array("\(base)/\(prefix).XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw ServerError("could not make a folder in \(base): \(String(cString: strerror(errno)))")
        }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Writes a file anew.
    ///
    /// - Throws: ``ServerError``.
    package static func write(_ text: String, to path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ServerError("could not write \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                throw ServerError("could not write \(path): \(String(cString: strerror(errno)))")
            }
            bytes = bytes.dropFirst(count)
        }
    }

    /// The last `bytes` of a file, as text; empty if it cannot be read.
    package static func tail(of path: String, bytes: Int = 2000) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        let size = lseek(descriptor, 0, SEEK_END)
        lseek(descriptor, max(0, size - bytes), SEEK_SET)
        var buffer = [UInt8](repeating: 0, count: bytes)
        let count = read(descriptor, &buffer, bytes)
        return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
    }

    /// Removes a folder with all that is in it; links are removed, not followed.
    package static func removeFolder(_ path: String) {
        guard let folder = opendir(path) else { return }
        defer {
            closedir(folder)
            rmdir(path)
        }
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name != ".", name != ".." else { continue }
            let child = path + "/" + name
            if entry.pointee.d_type == UInt8(DT_DIR) { Self.removeFolder(child) } else { unlink(child) }
        }
    }
}
