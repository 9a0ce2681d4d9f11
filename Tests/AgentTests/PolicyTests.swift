import Crypto
import Domain
import FoundationEssentials
import Messages
import Testing

@testable import Agent

/// The defect that the pilot's time-out and the server's did not fit: an agent that lived was given up.
@Suite("When an agent beats")
struct HeartbeatPolicyTests {
    @Test("never so seldom that the centre gives it up")
    func fits() {
        for configured in [1, 10, 60, 600, 3600] {
            for lostAfter in [1.0, 5, 30, 300, 86_400] {
                var policy = HeartbeatPolicy(configuredSeconds: configured)
                #expect(policy.pause <= .seconds(10) && policy.pause <= .seconds(configured))
                let isShortened = policy.hear(lostAfterSeconds: lostAfter)
                #expect(policy.pause <= .seconds(lostAfter / 3) && policy.pause <= .seconds(configured))
                #expect(isShortened == (Double(configured) > lostAfter / 3))
                // Said again it is no news; changed at the site it is.
                let (again, longer) = (policy.hear(lostAfterSeconds: lostAfter), policy.hear(lostAfterSeconds: 1e9))
                #expect(!again && !longer && policy.pause == .seconds(configured))
            }
        }
        var policy = HeartbeatPolicy(configuredSeconds: 10)
        let nonsense = [policy.hear(lostAfterSeconds: 0), policy.hear(lostAfterSeconds: -1)]
        #expect(nonsense == [false, false] && policy.pause == .seconds(10))
    }

    @Test("the standard settings of agent and centre fit each other")
    func standard() throws {
        // A site's lost_after is 5 minutes unless an operator says otherwise (migration V0001).
        var policy = HeartbeatPolicy(configuredSeconds: 10)
        let isShortened = policy.hear(lostAfterSeconds: 300)
        #expect(!isShortened && policy.pause == .seconds(10))
    }
}

@Suite("When an agent asks")
struct DemandPolicyTests {
    private let start = ContinuousClock.now

    @Test(
        "every event is a reason while cores are free",
        arguments: [.connected, .slotFreed, .offerTaken] as [DemandPolicy.Occasion]
    )
    func events(occasion: DemandPolicy.Occasion) {
        var policy = DemandPolicy()
        #expect(policy.room(occasion, freeCores: 3, isDraining: false, now: self.start) == 3)
        #expect(policy.room(occasion, freeCores: 2, isDraining: false, now: self.start) == 2)
    }

    @Test("nothing is asked for when there is no room", arguments: DemandPolicy.Occasion.allCases)
    func full(occasion: DemandPolicy.Occasion) {
        var policy = DemandPolicy()
        #expect(policy.room(occasion, freeCores: 0, isDraining: false, now: self.start) == nil)
        #expect(policy.room(occasion, freeCores: -2, isDraining: false, now: self.start) == nil)
    }

    @Test("the slow clock asks again after the interval, and at once when the room has changed")
    func tick() {
        var policy = DemandPolicy(interval: .seconds(30))
        #expect(policy.room(.tick, freeCores: 2, isDraining: false, now: self.start) == 2)
        #expect(policy.room(.tick, freeCores: 2, isDraining: false, now: self.start + .seconds(29)) == nil)
        #expect(policy.room(.tick, freeCores: 1, isDraining: false, now: self.start + .seconds(29)) == 1)
        #expect(policy.room(.tick, freeCores: 1, isDraining: false, now: self.start + .seconds(58)) == nil)
        #expect(policy.room(.tick, freeCores: 1, isDraining: false, now: self.start + .seconds(59)) == 1)
    }

    @Test("a drain takes the demand back once, and asks for nothing more")
    func drain() {
        var policy = DemandPolicy()
        #expect(policy.room(.connected, freeCores: 2, isDraining: false, now: self.start) == 2)
        #expect(policy.room(.slotFreed, freeCores: 2, isDraining: true, now: self.start) == nil)
        #expect(policy.room(.tick, freeCores: 2, isDraining: true, now: self.start) == 0)
        #expect(policy.room(.tick, freeCores: 2, isDraining: true, now: self.start + .seconds(90)) == nil)
        #expect(policy.room(.slotFreed, freeCores: 2, isDraining: false, now: self.start + .seconds(91)) == 2)
    }
}

@Suite("Whether an offer is taken")
struct OfferCheckTests {
    private let key = Curve25519.Signing.PrivateKey()
    private let start = ContinuousClock.now

    private func check() -> OfferCheck {
        let publicKey = self.key.publicKey
        var check = OfferCheck(site: "S", agent: "a", session: "s1") { payload, signature in
            Data(base64Encoded: signature).map { publicKey.isValidSignature($0, for: Data(payload)) } ?? false
        }
        _ = check.ask(at: self.start)
        return check
    }

    private func decide(_ offer: Offer, after seconds: Double = 1) throws -> OfferCheck.Decision {
        self.check().decide(try Sample.sign(offer, self.key), now: self.start + .seconds(seconds))
    }

    @Test("a signed answer to a fresh question is")
    func good() throws {
        #expect(try self.decide(Sample.offer()) == .accepted(Sample.offer()))
        #expect(try self.decide(Sample.offer(), after: 60) == .accepted(Sample.offer()))
    }

    @Test("one with a wrong signature is dropped without a word")
    func forged() throws {
        let other = try Sample.sign(Sample.offer(), Curve25519.Signing.PrivateKey())
        guard case .forged = self.check().decide(other, now: self.start) else { return #expect(Bool(false)) }
        var changed = try Sample.sign(Sample.offer(), self.key)
        changed.payload = changed.payload.replacing("one", with: "two")
        guard case .forged = self.check().decide(changed, now: self.start) else { return #expect(Bool(false)) }
        changed.signature = "!"
        guard case .forged = self.check().decide(changed, now: self.start) else { return #expect(Bool(false)) }
    }

    @Test("one for another agent or site is not ours to speak of")
    func foreign() throws {
        for offer in [Sample.offer(site: "T"), Sample.offer(agent: "b")] {
            guard case .foreign = try self.decide(offer) else { return #expect(Bool(false)) }
        }
    }

    @Test("one that is late, unasked, of an earlier session or incomplete is given back")
    func refused() throws {
        guard case .late = try self.decide(Sample.offer(), after: 60.5) else { return #expect(Bool(false)) }
        let others = [
            Sample.offer(question: 2), Sample.offer(question: 0), Sample.offer(session: "s0"),
            Sample.offer(tasks: [Sample.description(task: 8)]),
        ]
        for decision in try others.map({ try self.decide($0) }) {
            guard case .refused = decision else {
                Issue.record("\(decision)")
                continue
            }
        }
    }

    @Test("old questions are forgotten")
    func forgets() throws {
        var check = self.check()
        for _ in 0..<5000 { _ = check.ask(at: self.start) }
        #expect(check.asked.count == 4096)
        #expect(check.lastQuestion == 5001)
    }
}

@Suite("Which reports go next")
struct ReportQueueTests {
    private func report(_ id: Int64, _ index: Int64, _ type: String = "t", _ message: String? = nil) -> PendingReport {
        PendingReport(
            id: id,
            attempt: AttemptKey(task: 1, index: index, attempt: 1),
            type: type,
            routingKey: "k." + type,
            item: "{\"id\":\(id)}",
            message: message
        )
    }

    private func next(_ pending: [PendingReport]) -> [ReportMessage] {
        var number = 0
        return ReportQueue.next(pending) {
            number += 1
            return "new\(number)"
        }
    }

    @Test("reports of one type travel together, and the second of an attempt waits for the first")
    func batches() {
        let messages = self.next([
            self.report(1, 1), self.report(2, 2), self.report(3, 1, "u"), self.report(4, 3, "u"), self.report(5, 2),
        ])
        #expect(messages.map { $0.reports.map(\.id) } == [[1, 2], [4]])
        #expect(messages.map(\.routingKey) == ["k.t", "k.u"])
        #expect(messages.allSatisfy { $0.isNew })
        #expect(String(decoding: messages[0].body, as: UTF8.self) == #"{"items":[{"id":1},{"id":2}]}"#)
    }

    @Test("what was sent before goes again in the same message with the same id")
    func again() {
        let messages = self.next([
            self.report(1, 1, "t", "old"), self.report(2, 2), self.report(3, 3, "t", "old"), self.report(4, 1),
        ])
        #expect(messages.map(\.id) == ["old", "new1"])
        #expect(messages.map { $0.reports.map(\.id) } == [[1, 3], [2]])
        #expect(messages.map(\.isNew) == [false, true])
    }

    @Test("a message has at most 500 items and about a megabyte")
    func limits() {
        let many = (1...1001).map { self.report($0, $0) }
        #expect(self.next(many).map(\.reports.count) == [500, 500, 1])
        var large = self.report(1, 1)
        large.item = String(repeating: "x", count: 1 << 20)
        #expect(self.next([large, self.report(2, 2)]).map(\.reports.count) == [1, 1])
        #expect(self.next([]).isEmpty)
    }
}

@Suite("What a step prints")
struct OutputScannerTests {
    private func scan(_ pieces: String...) -> OutputScanner {
        var scanner = OutputScanner()
        for piece in pieces { scanner.take(Array(piece.utf8)) }
        return scanner
    }

    @Test("progress and metrics are read, however the lines are cut")
    func lines() {
        let scanner = self.scan("millrace-pro", "gress 0.25\nmillrace-progress 0.5\nmillrace metric rate=1", "2.5\nx\n")
        #expect(scanner.fraction == 0.5)
        #expect(scanner.metrics == ["rate": 12.5])
        #expect(scanner.lastLine == "x")
    }

    @Test(
        "other lines are not taken for them",
        arguments: [
            "millrace-progress 1.5\n", "millrace-progress -0.1\n", "millrace-progress nan\n", "millrace-progress\n",
            "say millrace-progress 0.5\n", "millrace metric x\n", "millrace metric =3\n", "millrace metric x=inf\n",
            "millrace metric a\0b=1\n",
        ]
    )
    func otherLines(text: String) {
        let scanner = self.scan(text)
        #expect(scanner.fraction == nil && scanner.metrics.isEmpty)
    }

    @Test("the tail is the end, bounded, whole characters, without zero bytes")
    func tail() {
        #expect(self.scan("a\0b").tail == "ab")
        let long = self.scan(String(repeating: "ü", count: 5000) + "!")
        #expect(long.tail.utf8.count <= 2048 && long.tail.hasSuffix("ü!") && !long.tail.contains("\u{FFFD}"))
    }
}
