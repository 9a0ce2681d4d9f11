import Catalog
import Glibc
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix
import Postgres

/// Serves artefacts, such as plots: only files that the catalogue knows as accepted outputs without events, and only what can do
/// nothing in a browser.
enum ArtefactFile {
    private static let limit: Int64 = 32 << 20

    /// What a browser may show by itself; everything else is downloaded.
    private static let shown = [
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "txt": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8", "json": "text/plain; charset=utf-8",
        "csv": "text/plain; charset=utf-8",
    ]

    static func response(_ lfn: String, _ gateway: Gateway) async throws -> Response {
        let places = try await gateway.database.query(ObjectStatements.artefact(lfn))
        guard let size = places.first?.1 else { throw Refusal(.notFound, "there is no artefact \(lfn.prefix(200))") }
        guard size <= Self.limit else {
            throw Refusal(
                .contentTooLarge,
                "\(lfn) holds \(size) bytes; \(Self.limit) are shown here, copy it from its storage"
            )
        }
        let bytes = try await NIOThreadPool.singleton.runIfActive {
            places.lazy.compactMap { Self.read(base: $0.0, lfn: lfn, size: size) }.first
        }
        guard let bytes else { throw Refusal(.notFound, "\(lfn) cannot be read from here") }
        return Response(
            status: .ok,
            headers: Self.headers(lfn, bytes.count),
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
        )
    }

    static func headers(_ lfn: String, _ size: Int) -> HTTPFields {
        let name = lfn.split(separator: "/").last ?? "file"
        let suffix = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
        var headers: HTTPFields = [
            // The name holds the attempt: its content never changes.
            .cacheControl: "private, max-age=86400, immutable",
            .contentLength: String(size),
            .contentSecurityPolicy: "default-src 'none'; sandbox; frame-ancestors 'none'",
        ]
        headers[.contentType] = Self.shown[suffix] ?? "application/octet-stream"
        if Self.shown[suffix] == nil { headers[.contentDisposition] = "attachment; filename=\"\(name)\"" }
        return headers
    }

    /// The file below `base`, if it is a plain file of this size; links are followed nowhere below it.
    static func read(base: String, lfn: String, size: Int64) -> [UInt8]? {
        let parts = lfn.split(separator: "/").map(String.init)
        guard let name = parts.last, !parts.contains(".."), !parts.contains(".") else { return nil }
        var folder = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for part in parts.dropLast() where folder >= 0 {
            let next = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            close(folder)
            folder = next
        }
        guard folder >= 0 else { return nil }
        // Not blocking: whoever put a pipe there does not hold us up.
        let file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        close(folder)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int64(status.st_size) == size else {
            return nil
        }
        return Self.contents(file, size: Int(size))
    }

    private static func contents(_ file: Int32, size: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(file, buffer.baseAddress?.advanced(by: filled), size - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return nil }
            filled += count
        }
        return bytes
    }
}
