import Domain

/// A report that waits in the journal.
struct PendingReport: Sendable, Equatable {
    /// Grows with every report of the journal.
    var id: Int64
    var attempt: AttemptKey
    var type: String
    var routingKey: String
    /// JSON of the item.
    var item: String
    /// The message it was put into; nil: none yet.
    var message: String?
}

/// One message to be sent: its id is in the journal before it goes, so that every repetition has the same.
struct ReportMessage: Sendable, Equatable {
    var id: String
    var type: String
    var routingKey: String
    var reports: [PendingReport]
    /// Whether the id is new, and the journal must learn of it first.
    var isNew: Bool

    /// `{"items": [...]}`
    var body: [UInt8] { Array(("{\"items\":[" + self.reports.map(\.item).joined(separator: ",") + "]}").utf8) }
}

/// Which reports go next. Those of one attempt go one after the other: the second when the broker has the first.
enum ReportQueue {
    static let itemLimit = 500
    static let byteLimit = 1 << 20

    /// - Parameters:
    ///   - pending: in the order of their ids.
    ///   - freshID: makes the id of a new message.
    static func next(_ pending: [PendingReport], freshID: () -> String) -> [ReportMessage] {
        var messages: [ReportMessage] = []
        var busy: Set<AttemptKey> = []
        var open: [String: Int] = [:]
        var bytes: [Int: Int] = [:]
        for report in pending {
            let place: Int
            if let id = report.message {
                // Reports of one message have left together before, and do so again.
                place = messages.firstIndex { $0.id == id } ?? messages.endIndex
                if place == messages.endIndex {
                    guard !busy.contains(report.attempt) else { continue }
                    messages.append(Self.message(id, report, isNew: false))
                }
            } else {
                guard !busy.contains(report.attempt) else { continue }
                let old = open[report.type]
                let isFull = old.map { Self.isFull(messages[$0], bytes[$0] ?? 0) } ?? true
                place = isFull ? messages.endIndex : old ?? messages.endIndex
                if isFull { messages.append(Self.message(freshID(), report, isNew: true)) }
                open[report.type] = place
            }
            busy.insert(report.attempt)
            messages[place].reports.append(report)
            bytes[place, default: 0] += report.item.utf8.count
        }
        return messages
    }

    private static func isFull(_ message: ReportMessage, _ bytes: Int) -> Bool {
        message.reports.count >= Self.itemLimit || bytes >= Self.byteLimit
    }

    private static func message(_ id: String, _ report: PendingReport, isNew: Bool) -> ReportMessage {
        ReportMessage(id: id, type: report.type, routingKey: report.routingKey, reports: [], isNew: isNew)
    }
}
