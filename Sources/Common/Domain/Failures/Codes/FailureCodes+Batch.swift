extension FailureCodes {
    /// The batch system and the compute element in front of it.
    package static let batch: [FailureFacts] = [
        FailureFacts(
            .batchRemoved,
            "The batch system removed the job.",
            do: "Ask the site's batch system for the job's history.",
            .site
        ),
        FailureFacts(
            .batchUnknown,
            "The batch system does not know the job and left no trace of its end.",
            do: "Ask the site's batch system for the job's history.",
            .site,
            rank: 94
        ),
        FailureFacts(
            .batchUnreachable,
            "The batch system cannot be asked: that says nothing about the job.",
            do: "Look at the batch system's server; the job may still run.",
            .site,
            rank: 98
        ),
        FailureFacts(
            .batchRefused,
            "The batch system refused the job.",
            do: "Read its message; compare the job's requirements with the queue.",
            .site
        ),
        FailureFacts(
            .preempted,
            "The job was preempted for another one.",
            do: "Nothing; if it happens often, use another queue.",
            .site
        ),
        FailureFacts(
            .batchHeld,
            "The batch system held the job for too long.",
            do: "Read the reason of the hold.",
            .site
        ),
        FailureFacts(
            .batchNodeFail,
            "The batch system says that the node failed.",
            do: "Ask the site what happened to the node.",
            .site
        ),
        FailureFacts(
            .batchRestarted,
            "The batch system started the job a second time.",
            do: "Forbid restarts for our jobs in the queue.",
            .site
        ),
        FailureFacts(
            .batchQueueTime,
            "The job waited in the batch system for too long.",
            do: "See whether the queue is full, or wants what no node has.",
            .site
        ),
        FailureFacts(
            .batchQuota,
            "The batch system takes no more jobs of ours.",
            do: "Ask for fewer jobs at once, or for a larger quota.",
            .site
        ),
        FailureFacts(
            .batchCredential,
            "The batch system refused our credential.",
            do: "Renew the credential of the agent.",
            .infrastructure
        ),
        FailureFacts(
            .batchAllocation,
            "The allocation of computing time is used up.",
            do: "Ask for more time, or use another account.",
            .site
        ),
        FailureFacts(
            .batchTransferIn,
            "The batch system could not bring the job's files to the node.",
            do: "Look at the network between the submit host and the node.",
            .network
        ),
        FailureFacts(
            .batchTransferOut,
            "The batch system could not bring the job's files back.",
            do: "Look at the network between the submit host and the node.",
            .network
        ),
        FailureFacts(
            .batchPlacement,
            "No node could take the job after it was accepted.",
            do: "Compare the job's requirements with the nodes.",
            .site
        ),
        FailureFacts(
            .batchAdministrator,
            "A person at the site removed the job.",
            do: "Ask the site why.",
            .site
        ),
        FailureFacts(
            .batchOutdated,
            "The batch system's word on the job is too old to be trusted.",
            do: "Look at the batch system's server; the job may still run.",
            .site,
            rank: 93
        ),
        FailureFacts(
            .batchInternal,
            "The batch system had an error of its own.",
            do: "Ask the site's batch system for the job's history.",
            .site
        ),
        FailureFacts(
            .batchStarter,
            "The batch system could not start the job on the node.",
            do: "Ask the site about that node.",
            .site
        ),
        FailureFacts(
            .computeElement,
            "The compute element had an error of its own.",
            do: "Ask the site about its compute element.",
            .site
        ),
        FailureFacts(
            .computeElementTimeout,
            "The compute element did not answer in time.",
            do: "Look at the load of the compute element and the network to it.",
            .network
        ),
        FailureFacts(
            .batchExitUnknown,
            "The batch system ended the job and does not know its exit code.",
            do: "Ask the site's batch system for the job's history.",
            .site,
            rank: 92
        ),
        FailureFacts(
            .batchDependency,
            "The batch system ended the job because another one of its group failed.",
            do: "Look at the other job first.",
            .site
        ),
    ]
}
