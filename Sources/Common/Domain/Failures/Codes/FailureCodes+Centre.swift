extension FailureCodes {
    /// The link between agent and centre, credentials, and attempts that were ended on purpose.
    package static let centre: [FailureFacts] = [
        FailureFacts(
            .agentLost,
            "The agent was silent for longer than its site's lost_after.",
            do: "See whether the agent and its link are up; the job has been released again.",
            .network,
            rank: 97
        ),
        FailureFacts(
            .agentForgot,
            "The agent is alive but does not know the attempt.",
            do: "See whether the agent and its link are up; the job has been released again.",
            .network,
            rank: 97
        ),
        FailureFacts(
            .offerRefused,
            "The agent refused the offer: bad signature, expired, or not its question.",
            do: "Give the agent the present signing key; check its clock.",
            .infrastructure
        ),
        FailureFacts(
            .tokenExpired,
            "The token or proxy of the job ran out.",
            do: "Renew the credential; see why the agent did not renew it by itself.",
            .infrastructure,
            rank: 9
        ),
        FailureFacts(
            .tokenRefused,
            "The token or proxy of the job was refused.",
            do: "Look at the credential's issuer, audience and groups.",
            .infrastructure
        ),
        FailureFacts(
            .leaseLost,
            "The attempt lost its lease, and its agent was told to end it.",
            do: "See whether the agent's link is slow; another attempt has the job.",
            .network,
            rank: 12
        ),
        FailureFacts(
            .neverStarted,
            "The attempt was given out and did not start in time.",
            do: "Look at the agent's log and at the queue of its batch system.",
            .site,
            rank: 13
        ),
        FailureFacts(
            .centreUnreachable,
            "The agent could not reach the centre for too long.",
            do: "Look at the agent's link and the broker.",
            .network,
            rank: 96
        ),
        FailureFacts(
            .brokerUnreachable,
            "The message broker could not be reached.",
            do: "Look at the broker.",
            .infrastructure,
            rank: 96
        ),
        FailureFacts(
            .reportRefused,
            "The centre could not read the agent's report.",
            do: "Compare the versions of agent and centre.",
            .infrastructure,
            rank: 95
        ),
        FailureFacts(
            .alreadyRunning,
            "The attempt was running already: this is a second copy of it.",
            do: "Nothing; if it happens often, look for two agents of one name.",
            .infrastructure,
            rank: 11
        ),
        FailureFacts(
            .agentVersion,
            "The agent is too old for the centre.",
            do: "Update the agent.",
            .infrastructure
        ),
        FailureFacts(
            .agentDrained,
            "The attempt was given back because the agent drains.",
            do: "Nothing.",
            .site,
            rank: 13
        ),
        FailureFacts(
            .tokenTooShort,
            "The token or proxy ends before the job would.",
            do: "Renew the credential for longer.",
            .infrastructure
        ),
        FailureFacts(
            .agentConfiguration,
            "The agent could not read its configuration.",
            do: "Correct the agent's file.",
            .site
        ),
        FailureFacts(
            .cancelled,
            "Ended because its request, task or job was cancelled.",
            do: "Nothing.",
            .operator,
            rank: 0
        ),
        FailureFacts(
            .superseded,
            "Ended because another attempt of the job was accepted.",
            do: "Nothing.",
            .operator,
            rank: 1
        ),
        FailureFacts(
            .taskEnded,
            "Ended because its task was over.",
            do: "Nothing.",
            .operator,
            rank: 1
        ),
        FailureFacts(
            .siteBanned,
            "Ended because its site was banned or drained.",
            do: "Nothing; the job runs elsewhere.",
            .operator,
            rank: 2
        ),
        FailureFacts(
            .reassigned,
            "Ended to be run elsewhere.",
            do: "Nothing.",
            .operator,
            rank: 2
        ),
    ]
}
