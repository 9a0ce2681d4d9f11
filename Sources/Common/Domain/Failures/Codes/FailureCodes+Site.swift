extension FailureCodes {
    /// The node, its network, and the site as a whole.
    package static let site: [FailureFacts] = [
        FailureFacts(
            .nodeDisk,
            "The site's own disk is full or cannot be written.",
            do: "Free space under the agent's work folder.",
            .site
        ),
        FailureFacts(
            .nodeSpawn,
            "The node could not start a process.",
            do: "Look at the agent's log on that node.",
            .site
        ),
        FailureFacts(
            .agentRestarted,
            "The agent was restarted and the job's process was gone.",
            do: "Look at the agent's log on that node.",
            .site
        ),
        FailureFacts(
            .nodeLost,
            "The node vanished with the job.",
            do: "Ask the site what happened to the node.",
            .site
        ),
        FailureFacts(
            .nodeRebooted,
            "The node was restarted while the job ran.",
            do: "Ask the site what happened to the node.",
            .site
        ),
        FailureFacts(
            .nodeReadOnly,
            "A local file system of the node can only be read.",
            do: "Take the node out: its disk is most likely broken.",
            .site
        ),
        FailureFacts(
            .nodeIO,
            "The node's disk gave an input/output error.",
            do: "Take the node out: its disk is most likely broken.",
            .site
        ),
        FailureFacts(
            .nodeMemory,
            "The node as a whole ran out of memory, not this attempt.",
            do: "See what else runs on the node, and how many jobs it may take.",
            .site,
            rank: 17
        ),
        FailureFacts(
            .nodeInodes,
            "The node's disk can take no more files.",
            do: "Remove old files under the agent's work folder.",
            .site
        ),
        FailureFacts(
            .nodeClock,
            "The node's clock is wrong.",
            do: "Repair the time service of that node.",
            .site,
            rank: 8
        ),
        FailureFacts(
            .nodeOverloaded,
            "The node is so loaded that nothing ends in time.",
            do: "See what else runs on the node.",
            .site
        ),
        FailureFacts(
            .nodePermissions,
            "The account that runs jobs may not use a folder that it needs.",
            do: "Look at the owner and the mode of the folder.",
            .site
        ),
        FailureFacts(
            .nodeHardware,
            "The node reports a fault of its hardware.",
            do: "Take the node out.",
            .site
        ),
        FailureFacts(
            .nodeDevice,
            "The node's graphics card is missing or failed.",
            do: "Take the node out of the queue for graphics cards.",
            .site
        ),
        FailureFacts(
            .nodeAccount,
            "The node does not know the account that runs jobs.",
            do: "Look at the directory service of that node.",
            .site
        ),
        FailureFacts(
            .nodeHealth,
            "The site's own check found the node unfit.",
            do: "Ask the site what its check found.",
            .site
        ),
        FailureFacts(
            .nodeBlackHole,
            "The node ends every job within seconds.",
            do: "Exclude the node; look at its disk, its mounts and its clock.",
            .site
        ),
        FailureFacts(
            .networkUnreachable,
            "The network cannot be reached from the node.",
            do: "Look at the network of the node and of the site.",
            .network,
            rank: 25
        ),
        FailureFacts(
            .nameResolution,
            "A host name could not be resolved on the node.",
            do: "Look at the name servers that the node uses.",
            .network,
            rank: 25
        ),
        FailureFacts(
            .networkTimeout,
            "A connection from the node timed out.",
            do: "Look at the network and at the load of the far side.",
            .network,
            rank: 64
        ),
        FailureFacts(
            .networkTLS,
            "A secure connection could not be made.",
            do: "Look at the certificates of both sides and the clock of the node.",
            .network,
            rank: 64
        ),
        FailureFacts(
            .networkProxy,
            "The web proxy of the site does not answer.",
            do: "Ask the site to repair its proxy.",
            .network,
            rank: 27
        ),
        FailureFacts(
            .outboundBlocked,
            "The site lets no connection out to where the job wants to go.",
            do: "Ask the site to open the port, or keep such jobs away.",
            .network,
            rank: 64
        ),
        FailureFacts(
            .sharedFileSystem,
            "A shared file system of the site hangs or is stale.",
            do: "Ask the site to repair the mount.",
            .site
        ),
        FailureFacts(
            .fileLock,
            "A file could not be locked on a shared file system.",
            do: "Put the file on a local disk.",
            .site
        ),
        FailureFacts(
            .siteClosed,
            "The site or its queue takes no jobs.",
            do: "Wait until it is open, or ban the site.",
            .site
        ),
        FailureFacts(
            .siteConfiguration,
            "The site's configuration is at odds with itself or with the job.",
            do: "Compare the agent's file with what the site offers.",
            .site
        ),
        FailureFacts(
            .siteDowntime,
            "The site is in a downtime.",
            do: "Drain the site until its downtime is over.",
            .site
        ),
    ]
}
