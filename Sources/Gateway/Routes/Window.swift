import Catalog
import Domain
import HTTPTypes
import ServiceKit

/// What `?since=` says: how long back a count goes.
enum Window {
    static let usual = "24h"

    /// Reads `90m`, `24h`, `7d`, or a time.
    static func start(_ call: Call, default usual: String = Self.usual) throws(Refusal) -> WindowStart {
        let text = call.query["since"] ?? usual
        if let moment = Domain.Timestamp(text) { return .moment(moment) }
        guard let duration = DurationText.parse(text), duration > .zero else {
            throw Refusal(
                .badRequest,
                "since: \(text.prefix(40)) is neither a length of time such as 90m, 24h or 7d, nor a time such as "
                    + "2026-11-21T02:01:10Z"
            )
        }
        return .secondsAgo(duration / .seconds(1))
    }
}

extension Call {
    /// One of some words in the query.
    func word<Word: RawRepresentable & CaseIterable>(
        _ name: String,
        default usual: Word
    ) throws(Refusal) -> Word where Word.RawValue == String {
        guard let text = self.query[name] else { return usual }
        guard let word = Word(rawValue: text) else {
            let known = Word.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal(.badRequest, "\(name): \(text.prefix(40)) is not one of \(known)")
        }
        return word
    }
}
