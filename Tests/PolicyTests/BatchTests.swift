import Domain
import Messages
import Testing

/// What a message may hold.
@Suite struct BatchTests {
    private static func kill(_ reason: String) -> AnswerItem {
        let order = KillOrder(attempt: AttemptKey(task: 1, index: 0, attempt: 1), reason: reason)
        return AnswerItem(
            agent: "a",
            session: "s",
            kill: [order],
            drain: false,
            wantsList: false,
            at: Timestamp(secondsSince1970: 0)
        )
    }

    @Test(arguments: ["\0", "before\0", "\0behind", "\\\0", "\\u0000\0"])
    func aZeroByteIsRefusedWithItsMessage(text: String) throws {
        let body = try Batch([Self.kill("fine"), Self.kill(text)]).encoded()
        let error = #expect(throws: MessageError.self) { try Batch<AnswerItem>(decoding: body) }
        #expect(error?.reason == "a text with a zero byte, which the catalogue cannot hold")
    }

    @Test(arguments: ["", "u0000", "\\u0000", "\\\\u0000", "\u{1}", "0000"])
    func whatOnlyLooksLikeOneIsTaken(text: String) throws {
        let body = try Batch([Self.kill(text)]).encoded()
        #expect(try Batch<AnswerItem>(decoding: body).items.first?.kill.first?.reason == text)
    }

    @Test func noOtherEncodingHidesOne() throws {
        let body = String(decoding: try Batch([Self.kill("x")]).encoded(), as: UTF8.self)
        let wide = body.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        #expect(throws: MessageError.self) { try Batch<AnswerItem>(decoding: wide) }
    }

    @Test func oneToFiveHundredItems() throws {
        for count in [0, 501] {
            let body = try Batch(Array(repeating: Self.kill("x"), count: count)).encoded()
            #expect(throws: MessageError.self) { try Batch<AnswerItem>(decoding: body) }
        }
        #expect(Batch.cut(Array(repeating: Self.kill("x"), count: 1001)).map(\.items.count) == [500, 500, 1])
    }
}
