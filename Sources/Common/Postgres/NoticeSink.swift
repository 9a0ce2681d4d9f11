import CLibPQ
import Logging

/// Takes the server's notices, which libpq would print on standard error.
final class NoticeSink: Sendable {
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    /// The sink must outlive the connection.
    func install(on handle: OpaquePointer) {
        _ = PQsetNoticeProcessor(
            handle,
            { context, message in
                guard let context, let message else { return }
                let sink = Unmanaged<NoticeSink>.fromOpaque(context).takeUnretainedValue()
                sink.logger.debug("database notice: \(PostgresError.oneLine(String(cString: message)))")
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }
}
