import AsyncHTTPClient
import Glibc
import NIOCore
import NIOHTTP1
import ServiceKit

/// Where run events go.
protocol LineageTarget: Sendable {
    /// Delivers one event, the text of a JSON object.
    ///
    /// - Returns: false: the target refuses this event for good, and would refuse it again.
    /// - Throws: ``LineageError``: it may be taken later.
    func deliver(_ event: String) async throws -> Bool

    /// What was delivered is kept from now on.
    func settle() async throws
}

/// Why an event was not delivered, in one line.
struct LineageError: Error, CustomStringConvertible {
    let description: String
}

/// A file to which one line is appended for each event.
struct LineageFile: LineageTarget {
    let path: String

    func deliver(_ event: String) async throws -> Bool {
        let descriptor = open(self.path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw self.error("opened") }
        defer { close(descriptor) }
        // A line that a crash cut short stays a line of its own.
        var last: UInt8 = UInt8(ascii: "\n")
        let end = lseek(descriptor, 0, SEEK_END)
        if end > 0 && pread(descriptor, &last, 1, end - 1) != 1 { throw self.error("read") }
        let bytes = Array((last == UInt8(ascii: "\n") ? "" : "\n").utf8) + Array(event.utf8) + [UInt8(ascii: "\n")]
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw self.error("written")
            }
        }
        return true
    }

    func settle() async throws {
        let descriptor = open(self.path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else {
            // Nothing was written yet.
            if errno == ENOENT { return }
            throw self.error("opened")
        }
        defer { close(descriptor) }
        guard fdatasync(descriptor) == 0 else { throw self.error("synchronised") }
    }

    private func error(_ what: String) -> LineageError {
        LineageError(description: "\(self.path) cannot be \(what): \(String(cString: strerror(errno)))")
    }
}

/// An endpoint that takes each event as the body of a POST.
struct LineageEndpoint: LineageTarget {
    let url: String
    /// Holds a bearer token; read anew each time, so that it may be changed.
    let tokenFile: String?
    let timeout: Duration
    var client = HTTPClient.shared

    func deliver(_ event: String) async throws -> Bool {
        var request = HTTPClientRequest(url: self.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let tokenFile { request.headers.add(name: "Authorization", value: "Bearer \(try Self.token(tokenFile))") }
        request.body = .bytes(ByteBuffer(string: event))
        let status: UInt
        do {
            let milliseconds = Int64(self.timeout / .milliseconds(1))
            let response = try await self.client.execute(request, timeout: .milliseconds(milliseconds))
            status = response.status.code
            // What it says is of no use; the connection is, once it is read.
            _ = try await response.body.collect(upTo: 1 << 20)
        } catch let error as CancellationError {
            throw error
        } catch {
            throw LineageError(description: "\(self.url) does not answer: \(error)")
        }
        switch status {
        case 200..<300: return true
        case 400, 413, 422: return false
        default: throw LineageError(description: "\(self.url) answered \(status)")
        }
    }

    func settle() async throws {}

    private static func token(_ path: String) throws -> String {
        do {
            let text = try ConfigurationFile.text(path: path)
            return String(text.prefix { !$0.isNewline })
        } catch {
            throw LineageError(description: "\(error)")
        }
    }
}
