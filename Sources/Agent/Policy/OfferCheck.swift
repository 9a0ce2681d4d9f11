import Domain
import Messages

/// Whether an offer may be run: signed by the Scheduler, for this agent, in answer to a question it asked lately.
struct OfferCheck: Sendable {
    enum Decision: Sendable, Equatable {
        case accepted(Offer)
        /// Not the Scheduler's: dropped and counted, nothing is said of it.
        case forged(String)
        /// Truly signed, but for another agent or site: not ours to speak of.
        case foreign(String)
        /// Truly signed and for us, but not to be run: each job is given back.
        case refused(Offer, String)
        /// As refused; it came too long after its question, and another may be asked.
        case late(Offer, String)
    }

    let site: String
    let agent: String
    let session: String
    /// Checks an Ed25519 signature (base64) over bytes.
    let isSigned: @Sendable (_ payload: [UInt8], _ signature: String) -> Bool
    /// The questions of this session, and when they were asked.
    private(set) var asked: [Int64: ContinuousClock.Instant] = [:]
    private(set) var lastQuestion: Int64 = 0

    /// Older questions are forgotten: an offer to them is late by any measure.
    private static let remembered: Int64 = 4096

    init(
        site: String,
        agent: String,
        session: String,
        isSigned: @escaping @Sendable (_ payload: [UInt8], _ signature: String) -> Bool
    ) {
        self.site = site
        self.agent = agent
        self.session = session
        self.isSigned = isSigned
    }

    /// Notes a new question, and returns its number.
    mutating func ask(at now: ContinuousClock.Instant) -> Int64 {
        self.lastQuestion += 1
        self.asked[self.lastQuestion] = now
        self.asked[self.lastQuestion - Self.remembered] = nil
        return self.lastQuestion
    }

    func decide(_ item: OfferItem, now: ContinuousClock.Instant) -> Decision {
        guard self.isSigned(Array(item.payload.utf8), item.signature) else { return .forged("the signature is wrong") }
        let offer: Offer
        do {
            offer = try WireFormat.value(Offer.self, from: item.payload)
        } catch {
            return .forged("the payload cannot be read: \(WireFormat.explain(error))")
        }
        guard offer.site == self.site, offer.agent == self.agent else {
            return .foreign("it is for \(offer.agent) at \(offer.site)")
        }
        guard offer.session == self.session else {
            return .refused(offer, "it is for an earlier session of this agent")
        }
        guard let asked = self.asked[offer.question] else {
            return .refused(offer, "question \(offer.question) was not asked")
        }
        let age = asked.duration(to: now)
        guard age <= .seconds(offer.validSeconds) else {
            return .late(offer, "question \(offer.question) is older than \(offer.validSeconds) s")
        }
        let tasks = Set(offer.tasks.map(\.task))
        if let job = offer.jobs.first(where: { !tasks.contains($0.name.task) }) {
            return .refused(offer, "it does not describe task \(job.name.task)")
        }
        return .accepted(offer)
    }
}
