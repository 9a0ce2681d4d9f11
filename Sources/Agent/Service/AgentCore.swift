import AMQP
import Domain
import Logging
import Messages

/// What the agent decides and says: questions, offers, heartbeats, answers.
actor AgentCore {
    private let config: AgentConfig
    private let session: String
    private let journal: Journal
    private let executor: any Executor
    private let post: SitePost
    private let courier: Bell
    private let heart: Bell
    private let logger: Logger
    private var check: OfferCheck
    private var demand = DemandPolicy()
    private var heartbeat: HeartbeatPolicy
    /// The highest number that an offer of this session carried, accepted or refused: what was offered after it is still on its way.
    private var taken: Int64 = 0
    /// Which of its reply queues this is: what was on its way to one before is gone with it.
    private var queue: Int64 = 1
    private var isDraining = false
    private var isStopping = false
    private var wantsList = false
    /// Kills under way, and those carried out that the centre has not been told of.
    private var killing: Set<AttemptKey> = []
    private var killed: Set<AttemptKey> = []
    /// Offers dropped because their signature was wrong.
    private(set) var forgedOffers = 0
    /// When a job was last here.
    private(set) var lastBusy = ContinuousClock.now

    init(
        config: AgentConfig,
        check: OfferCheck,
        journal: Journal,
        executor: any Executor,
        post: SitePost,
        courier: Bell,
        heart: Bell,
        logger: Logger
    ) {
        self.config = config
        self.heartbeat = HeartbeatPolicy(configuredSeconds: config.heartbeatSeconds)
        self.session = check.session
        self.check = check
        self.journal = journal
        self.executor = executor
        self.post = post
        self.courier = courier
        self.heart = heart
        self.logger = logger
    }

    private var replyTo: String { Queue.agent(site: self.config.site, agent: self.config.agent) }

    /// Asks for work if there is reason to.
    func consider(_ occasion: DemandPolicy.Occasion) async {
        // Of one moment: an offer that comes in between would be counted among the used cores only.
        var (taken, free) = (self.taken, await self.executor.freeCores())
        while taken != self.taken { (taken, free) = (self.taken, await self.executor.freeCores()) }
        if free < self.config.slots { self.lastBusy = .now }
        guard self.post.isConnected else { return }
        let now = ContinuousClock.now
        let mayNot = self.isDraining || self.isStopping
        guard let room = self.demand.room(occasion, freeCores: free, isDraining: mayNot, now: now) else { return }
        let question = self.check.ask(at: now)
        let item = WorkItem(
            agent: self.config.agent,
            session: self.session,
            question: question,
            room: room,
            capacity: self.config.capacity,
            replyTo: self.replyTo,
            node: NodeName.own,
            taken: taken,
            queue: self.queue
        )
        await self.post.say([item], routingKey: RoutingKey.work)
    }

    /// The connection that the reply queue lived on is gone.
    func loseQueue() { self.queue += 1 }

    /// Until the next heartbeat.
    var heartbeatPause: Duration { self.heartbeat.pause }

    /// Says that the agent is alive, and what it holds.
    func beat(staying: Bool = true) async {
        do {
            // Before the look: what is offered after that is not in the list.
            let at = Now.timestamp
            let held = try await self.journal.held()
            let told = self.killed
            let item = HeartbeatItem(
                agent: self.config.agent,
                session: self.session,
                held: HeldSummary(held),
                list: self.wantsList ? held : nil,
                killed: told.isEmpty ? nil : told.sorted(),
                replyTo: self.replyTo,
                staying: staying,
                at: at
            )
            guard await self.post.say([item], routingKey: RoutingKey.heartbeat) else { return }
            self.killed.subtract(told)
            if item.list != nil { self.wantsList = false }
        } catch {
            self.logger.error("the journal cannot be read", metadata: ["reason": "\(error)"])
        }
    }

    /// Handles a message to this agent. What it asks for is in the journal when this returns.
    func handle(_ delivery: Delivery) async -> Settlement {
        do {
            switch delivery.type {
            case OfferItem.type:
                for item in try Batch<OfferItem>(decoding: delivery.body).items { try await self.take(item) }
            case AnswerItem.type:
                for item in try Batch<AnswerItem>(decoding: delivery.body).items { await self.obey(item) }
            default:
                self.logger.warning("a message of unknown type", metadata: ["type": "\(delivery.type ?? "none")"])
                return .reject
            }
            return .acknowledge
        } catch let error as MessageError {
            self.logger.warning("a message cannot be read", metadata: ["reason": "\(error)"])
            return .reject
        } catch {
            self.logger.error("an offer could not be written to the journal", metadata: ["reason": "\(error)"])
            return .requeue
        }
    }

    /// No more questions; offers are given back.
    func stop() { self.isStopping = true }

    /// A job has ended.
    func jobEnded() async {
        self.lastBusy = .now
        let present = Set(await self.executor.present())
        let done = self.killing.subtracting(present)
        if !done.isEmpty {
            self.killing.subtract(done)
            self.killed.formUnion(done)
            self.heart.ring()
        }
        await self.consider(.slotFreed)
    }
}

extension AgentCore {
    private func take(_ item: OfferItem) async throws {
        switch self.check.decide(item, now: .now) {
        case .forged(let reason):
            self.forgedOffers += 1
            self.logger.error("an offer was not the Scheduler's and is dropped", metadata: ["reason": "\(reason)"])
        case .foreign(let reason):
            self.logger.error("an offer was not for this agent and is dropped", metadata: ["reason": "\(reason)"])
        case .refused(let offer, let reason): try await self.giveBack(offer, reason)
        case .late(let offer, let reason):
            try await self.giveBack(offer, reason)
            await self.consider(.offerTaken)
        case .accepted(let offer):
            if self.isStopping { return try await self.giveBack(offer, "the agent is stopping") }
            try await self.accept(offer)
            await self.consider(.offerTaken)
        }
    }

    /// An offer has come, and its jobs are in the journal or given back.
    private func note(_ offer: Offer) {
        guard offer.session == self.session else { return }
        self.taken = max(self.taken, offer.through ?? 0)
    }

    private func accept(_ offer: Offer) async throws {
        let descriptions = Dictionary(offer.tasks.map { ($0.task, $0) }) { first, _ in first }
        let jobs = offer.jobs.compactMap { job in
            descriptions[job.name.task].map { AcceptedJob(description: $0, job: job) }
        }
        let new = try await self.journal.accept(jobs)
        self.lastBusy = .now
        self.logger.info("jobs accepted", metadata: ["question": "\(offer.question)", "jobs": "\(new.count)"])
        for job in new { await self.executor.submit(HeldJob(accepted: job, record: JobRecord())) }
        self.note(offer)
    }

    /// Reports each job failed, so that its lease is given to others, uncounted; not those that are here all the same: the
    /// offer came twice.
    private func giveBack(_ offer: Offer, _ reason: String) async throws {
        self.logger.warning("an offer is refused", metadata: ["reason": "\(reason)", "jobs": "\(offer.jobs.count)"])
        var items: [FailedItem] = []
        for job in offer.jobs where try await !self.journal.knows(job.name.key) {
            items.append(
                FailedItem(
                    name: job.name,
                    sequence: 1,
                    agent: self.config.agent,
                    node: NodeName.own,
                    failures: [Failure(.offerRefused, "the offer was refused: \(reason)", source: .agent)],
                    steps: [],
                    usage: Usage(cpuSeconds: 0, wallSeconds: 0, memoryPeak: 0),
                    at: Now.timestamp
                )
            )
        }
        try await self.journal.refuse(items)
        self.note(offer)
        self.courier.ring()
    }

    private func obey(_ answer: AnswerItem) async {
        guard answer.session == self.session, answer.agent == self.config.agent else { return }
        if answer.drain != self.isDraining {
            self.logger.info("the centre changes the drain", metadata: ["drain": "\(answer.drain)"])
            self.isDraining = answer.drain
            await self.consider(answer.drain ? .tick : .slotFreed)
        }
        for order in answer.kill where !self.killing.contains(order.attempt) {
            if await self.executor.cancel(order.attempt, .killed(order.reason)) {
                self.killing.insert(order.attempt)
            } else {
                self.killed.insert(order.attempt)
                self.heart.ring()
            }
        }
        if let seconds = answer.lostAfterSeconds, self.heartbeat.hear(lostAfterSeconds: seconds) {
            self.logger.warning(
                "heartbeatSeconds is too long for a site whose agents are given up so soon: beating faster",
                metadata: ["lost_after": "\(seconds) s", "every": "\(self.heartbeat.pause)"]
            )
        }
        if answer.wantsList {
            self.wantsList = true
            self.heart.ring()
        }
    }
}
