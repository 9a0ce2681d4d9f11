@testable import AMQP
import Testing

@Suite struct ConfirmLedgerTests {
    private let start = ContinuousClock.now

    private func ledger(_ count: Int) -> ConfirmLedger<Int> {
        var ledger = ConfirmLedger<Int>()
        for payload in 1...count { ledger.append(payload, now: self.start) }
        return ledger
    }

    private func settle(
        _ ledger: inout ConfirmLedger<Int>,
        _ tag: UInt64,
        multiple: Bool = false,
        positive: Bool = true
    ) -> [Int] {
        ledger.settle(through: tag, multiple: multiple, positive: positive).map(\.payload)
    }

    @Test func singleAnswersInAnyOrderSettleTheirMessageOnce() {
        var ledger = self.ledger(4)
        #expect(self.settle(&ledger, 3) == [3])
        #expect(self.settle(&ledger, 3) == [])
        #expect(self.settle(&ledger, 1) == [1])
        #expect(self.settle(&ledger, 1) == [])
        #expect(self.settle(&ledger, 5) == [])
        #expect(self.settle(&ledger, 0) == [])
        #expect(self.settle(&ledger, .max) == [])
        #expect(ledger.unsettled == 2)
        #expect(self.settle(&ledger, 2) == [2])
        #expect(self.settle(&ledger, 4) == [4])
        #expect(ledger.unsettled == 0)
        ledger.append(5, now: self.start)
        #expect(self.settle(&ledger, 5) == [5])
    }

    @Test func multipleSettlesAllUpToItsNumberThatAreNotSettledYet() {
        var ledger = self.ledger(6)
        #expect(self.settle(&ledger, 2) == [2])
        #expect(self.settle(&ledger, 4, multiple: true) == [1, 3, 4])
        #expect(self.settle(&ledger, 4, multiple: true) == [])
        #expect(self.settle(&ledger, 0, multiple: true) == [5, 6])
        #expect(ledger.unsettled == 0)
    }

    @Test func aMultipleBeyondTheLastSettlesWhatThereIs() {
        var ledger = self.ledger(3)
        #expect(self.settle(&ledger, .max - 1, multiple: true) == [1, 2, 3])
        ledger.append(4, now: self.start)
        #expect(self.settle(&ledger, 4) == [4])
    }

    @Test func outcomesTellConfirmedRefusedAndReturnedApart() {
        var ledger = self.ledger(4)
        #expect(ledger.markReturned(code: 312, text: "NO_ROUTE") { $0 == 2 })
        #expect(ledger.markReturned(code: 313, text: "OTHER") { $0 == 3 })
        #expect(!ledger.markReturned(code: 312, text: "NO_ROUTE") { $0 == 1 }, "returns come in order")
        let first = ledger.settle(through: 2, multiple: true, positive: true).map(\.outcome)
        #expect(first == [.confirmed, .returned(code: 312, text: "NO_ROUTE")])
        #expect(ledger.settle(through: 3, multiple: false, positive: false).map(\.outcome) == [.refused])
        #expect(ledger.settle(through: 4, multiple: false, positive: false).map(\.outcome) == [.refused])
    }

    @Test func returnsOfEqualMessagesMarkThemOneAfterTheOther() {
        var ledger = ConfirmLedger<String>()
        for _ in 0..<3 { ledger.append("same", now: self.start) }
        for _ in 0..<2 { #expect(ledger.markReturned(code: 312, text: "") { $0 == "same" }) }
        let outcomes = ledger.settle(through: 3, multiple: true, positive: true).map(\.outcome)
        #expect(outcomes == [.returned(code: 312, text: ""), .returned(code: 312, text: ""), .confirmed])
    }

    @Test func theUnansweredComeBackInOrderAndTheCountBeginsAnew() {
        var ledger = self.ledger(5)
        #expect(ledger.markReturned(code: 312, text: "") { $0 == 5 })
        #expect(self.settle(&ledger, 3) == [3])
        #expect(ledger.takeUnsettled() == [1, 2, 4, 5])
        #expect(ledger.unsettled == 0)
        ledger.append(9, now: self.start)
        #expect(ledger.markReturned(code: 312, text: "") { $0 == 9 })
        #expect(self.settle(&ledger, 1) == [9])
    }

    @Test func theOldestUnansweredIsTheOneThatIsWaitedFor() {
        var ledger = ConfirmLedger<Int>()
        #expect(ledger.oldest == nil)
        for number in 1...3 { ledger.append(number, now: self.start + .seconds(number)) }
        #expect(ledger.oldest == self.start + .seconds(1))
        #expect(self.settle(&ledger, 2) == [2])
        #expect(ledger.oldest == self.start + .seconds(1))
        #expect(self.settle(&ledger, 1) == [1])
        #expect(ledger.oldest == self.start + .seconds(3))
        _ = ledger.takeUnsettled()
        #expect(ledger.oldest == nil)
    }

    /// Every order of answers to a few messages, against the obvious model.
    @Test(arguments: 1...5) func everySequenceOfAnswersSettlesEachMessageExactlyOnce(_ count: Int) {
        func explore(_ ledger: ConfirmLedger<Int>, _ open: Set<Int>, _ depth: Int) {
            guard depth > 0 else { return }
            for tag in 1...count {
                for multiple in [false, true] {
                    var next = ledger
                    let expected = open.filter { multiple ? $0 <= tag : $0 == tag }
                    let settled = self.settle(&next, UInt64(tag), multiple: multiple)
                    guard settled == expected.sorted(), next.unsettled == open.count - settled.count else {
                        Issue.record("\(tag) \(multiple) of \(open): \(settled)")
                        return
                    }
                    explore(next, open.subtracting(expected), depth - 1)
                }
            }
        }
        explore(self.ledger(count), Set(1...count), 4)
    }
}

@Suite struct SettlementLedgerTests {
    private func ledger(_ count: UInt64) -> SettlementLedger {
        var ledger = SettlementLedger()
        for tag in 1...count { ledger.delivered(tag, offset: Int64(tag) + 100) }
        return ledger
    }

    private func all(_ tags: ClosedRange<UInt64>, _ settlement: Settlement) -> [(tag: UInt64, settlement: Settlement)] {
        tags.map { ($0, settlement) }
    }

    @Test func aWholeBatchFromTheOldestOnIsOneCommand() {
        var ledger = self.ledger(10)
        #expect(ledger.settle(self.all(1...6, .acknowledge)) == [.acknowledge(tag: 6, multiple: true)])
        #expect(ledger.settle(self.all(7...7, .acknowledge)) == [.acknowledge(tag: 7, multiple: false)])
        #expect(ledger.settle(self.all(8...9, .requeue)) == [.requeue(tag: 9, multiple: true)])
        #expect(ledger.settle(self.all(10...10, .reject)) == [.reject(tag: 10)])
        #expect(ledger.unsettled == 0)
        #expect(ledger.settledOffset == 110)
    }

    @Test func aBatchBehindAnUnsettledOneIsSettledOneByOne() {
        var ledger = self.ledger(4)
        #expect(
            ledger.settle(self.all(3...4, .acknowledge))
                == [.acknowledge(tag: 3, multiple: false), .acknowledge(tag: 4, multiple: false)]
        )
        #expect(ledger.settledOffset == nil)
        #expect(ledger.settle(self.all(1...2, .acknowledge)) == [.acknowledge(tag: 2, multiple: true)])
        #expect(ledger.settledOffset == 104)
    }

    @Test func mixedSettlementsUseTheFewestCommands() {
        var ledger = self.ledger(6)
        let mixed: [Settlement] = [.acknowledge, .acknowledge, .reject, .acknowledge, .acknowledge, .requeue]
        let commands = ledger.settle(mixed.enumerated().map { (UInt64($0.offset + 1), $0.element) })
        #expect(
            commands == [
                .acknowledge(tag: 2, multiple: true), .reject(tag: 3), .acknowledge(tag: 5, multiple: true),
                .requeue(tag: 6, multiple: false),
            ]
        )
    }

    @Test func whatIsSettledOrUnknownIsLeftOut() {
        var ledger = self.ledger(3)
        _ = ledger.settle(self.all(2...2, .reject))
        #expect(
            ledger.settle(self.all(1...3, .acknowledge)) == [
                .acknowledge(tag: 1, multiple: false), .acknowledge(tag: 3, multiple: false),
            ]
        )
        #expect(ledger.settle(self.all(1...9, .acknowledge)).isEmpty)
        #expect(ledger.settle([(0, .acknowledge), (.max, .acknowledge)]).isEmpty)
    }

    @Test func aResetForgetsDeliveriesButNotThePosition() {
        var ledger = self.ledger(3)
        _ = ledger.settle(self.all(1...2, .acknowledge))
        ledger.reset()
        #expect(ledger.unsettled == 0)
        #expect(ledger.settle(self.all(3...3, .acknowledge)).isEmpty)
        #expect(ledger.settledOffset == 102)
        ledger.delivered(1, offset: nil)
        #expect(ledger.settle(self.all(1...1, .acknowledge)) == [.acknowledge(tag: 1, multiple: false)])
    }

    /// Every settlement of every subset of four deliveries, carried out by a model of the broker.
    @Test func theCommandsDoExactlyWhatWasAskedInEveryCase() {
        let choices: [Settlement?] = [nil, .acknowledge, .requeue, .reject]
        for first in 0..<256 {
            for second in 0..<256 {
                var ledger = self.ledger(4)
                var broker: [UInt64: Settlement] = [:]
                var wanted: [UInt64: Settlement] = [:]
                for code in [first, second] {
                    let decisions = (0..<4).compactMap { index -> (tag: UInt64, settlement: Settlement)? in
                        choices[(code >> (2 * index)) & 3].map { (UInt64(index + 1), $0) }
                    }
                    for (tag, settlement) in decisions where wanted[tag] == nil { wanted[tag] = settlement }
                    for command in ledger.settle(decisions) { Self.carryOut(command, &broker) }
                }
                guard broker == wanted, ledger.unsettled == 4 - wanted.count else {
                    Issue.record("\(first) \(second): \(broker) instead of \(wanted)")
                    return
                }
            }
        }
    }

    private static func carryOut(_ command: SettlementLedger.Command, _ broker: inout [UInt64: Settlement]) {
        func apply(_ tag: UInt64, _ multiple: Bool, _ settlement: Settlement) {
            for tag in (multiple ? 1 : tag)...tag where broker[tag] == nil || !multiple {
                if broker[tag] != nil { Issue.record("\(tag) settled twice") }
                broker[tag] = settlement
            }
        }
        switch command {
        case .acknowledge(let tag, let multiple): apply(tag, multiple, .acknowledge)
        case .requeue(let tag, let multiple): apply(tag, multiple, .requeue)
        case .reject(let tag): apply(tag, false, .reject)
        }
    }
}
