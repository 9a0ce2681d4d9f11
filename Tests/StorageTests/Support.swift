import Glibc
import PrivateServers
import Storage

/// A fresh folder that is removed at the end.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = try PrivateFiles.makeTemporaryFolder(prefix: "millrace-storage")
    defer { PrivateFiles.removeFolder(folder) }
    return try await body(folder)
}

func write(_ bytes: [UInt8], to path: String) {
    let file = fopen(path, "w")!
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
}

func read(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = fread(&buffer, 1, buffer.count, file)
        if count == 0 { return bytes }
        bytes += buffer[..<count]
    }
}

/// Every name below a folder, sorted.
func names(in path: String, below prefix: String = "") -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var found: [String] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        guard name != ".", name != ".." else { continue }
        if entry.pointee.d_type == UInt8(DT_DIR) {
            found += names(in: path + "/" + name, below: prefix + name + "/")
        } else {
            found.append(prefix + name)
        }
    }
    return found.sorted()
}

/// Bytes that differ everywhere.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) } }

func posix(_ base: String) -> PosixStorage {
    PosixStorage(StorageElement(name: "DISK", base: base))
}
