import Domain
import Messages

extension JobRun {
    func reportRunning(_ step: StepTemplate) async {
        let (name, agent, node, at) = (self.accepted.job.name, self.runner.agent, self.runner.node, Now.timestamp)
        let place = self.place
        await self.runner.reporter.report(self.key, routingKey: RoutingKey.running, isTerminal: false) { sequence in
            RunningItem(
                name: name,
                sequence: sequence,
                agent: agent,
                node: node,
                batchID: place?.element,
                submission: place?.submission,
                step: step.name,
                at: at
            )
        }
    }

    func reportFinished(_ result: JobResult, _ manifest: [ManifestOutput]) async {
        self.noteWallTime()
        let software = self.accepted.description.software.map { "\($0.name) \($0.version)" }.joined(separator: ", ")
        let item = FinishedItem(
            name: self.accepted.job.name,
            sequence: 0,
            agent: self.runner.agent,
            node: self.runner.node,
            eventsRead: result.eventsRead,
            firstEvent: result.firstEvent,
            ranges: result.ranges,
            outputs: manifest,
            software: software.isEmpty ? nil : software,
            steps: self.record.steps,
            usage: self.record.usage,
            started: self.record.started ?? Now.timestamp,
            at: Now.timestamp
        )
        await self.runner.reporter.report(self.key, routingKey: RoutingKey.finished, isTerminal: true) { sequence in
            var item = item
            item.sequence = sequence
            return item
        }
    }

    func reportFailed(_ failures: [Failure]) async {
        self.noteWallTime()
        let item = FailedItem(
            name: self.accepted.job.name,
            sequence: 0,
            agent: self.runner.agent,
            node: self.runner.node,
            batchID: self.place?.element,
            submission: self.place?.submission,
            failures: failures,
            steps: self.record.steps,
            usage: self.record.usage,
            tail: self.lastWords,
            at: Now.timestamp
        )
        await self.runner.reporter.report(self.key, routingKey: RoutingKey.failed, isTerminal: true) { sequence in
            var item = item
            item.sequence = sequence
            return item
        }
    }

    func reportCancelled(_ reason: String) async {
        self.noteWallTime()
        let (name, agent, usage, at) = (self.accepted.job.name, self.runner.agent, self.record.usage, Now.timestamp)
        await self.runner.reporter.report(self.key, routingKey: RoutingKey.cancelled, isTerminal: true) { sequence in
            CancelledItem(name: name, sequence: sequence, agent: agent, reason: reason, usage: usage, at: at)
        }
    }
}
