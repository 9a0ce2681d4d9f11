extension RuleSet {
    /// What is done about wrapper, software, nodes, sites and batch systems.
    static let defaultPlaces: [ActionRule] = [
        ActionRule(
            name: "wrapper-ended",
            priority: 300,
            match: .init(codes: 3003...3004),
            action: .resubmit,
            parameters: .init(pauseSeconds: 5, otherNode: true, limit: 10),
            why: "Wrappers hang where nodes do."
        ),
        ActionRule(
            name: "wrapper-too-old",
            priority: 300,
            match: .init(codes: 3005...3005),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site, limit: 10),
            why: "Another site has been updated."
        ),
        ActionRule(
            name: "unsupported",
            priority: 300,
            match: .init(codes: 3017...3017),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site, limit: 10),
            why: "Another site can do it."
        ),
        ActionRule(
            name: "sandbox",
            priority: 300,
            match: .init(codes: 3006...3006),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseJitter: 0.2, limit: 10),
            why: "The files come from a service of ours."
        ),
        ActionRule(
            name: "work-folder",
            priority: 300,
            match: .init(codes: 3009...3009),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "The disk of the node is most likely full or broken."
        ),
        ActionRule(
            name: "site-scripts",
            priority: 300,
            match: .init(codes: 3013...3014),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site, limit: 10),
            why: "The site's own scripts are the site's to repair."
        ),
        ActionRule(
            name: "software-hash",
            priority: 300,
            match: .init(codes: 4002...4002),
            action: .resubmit,
            parameters: .init(pauseSeconds: 30, elsewhere: true, limit: 3),
            why: "A package that was changed on the way is fetched again; one that was changed at its source is not."
        ),
        ActionRule(
            name: "software-download",
            priority: 300,
            match: .init(codes: 4004...4004),
            action: .resubmit,
            parameters: .init(pauseSeconds: 120, pauseJitter: 0.3, limit: 10),
            why: "Servers of packages are busy in waves."
        ),
        ActionRule(
            name: "release-missing",
            priority: 300,
            match: .init(codes: 4005...4005),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site, limit: 10),
            why: "Another site has it."
        ),
        ActionRule(
            name: "library-missing",
            priority: 300,
            match: .init(codes: 4007...4008),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, limit: 10),
            why: "Nodes of one site are mostly alike."
        ),
        ActionRule(
            name: "cvmfs",
            priority: 300,
            match: .init(codes: 4011...4013),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, elsewhere: true, otherNode: true, strike: .node),
            why: "It is mostly one node whose mount is broken."
        ),
        ActionRule(
            name: "container-pull",
            priority: 310,
            match: .init(codes: 4023...4023),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.3, limit: 10),
            why: "Registries limit how often one fetches."
        ),
        ActionRule(
            name: "container",
            priority: 300,
            match: .init(codes: 4024...4026),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .node, limit: 10),
            why: "Containers are the site's to set up."
        ),
        ActionRule(
            name: "driver",
            priority: 300,
            match: .init(codes: 4033...4033),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node, limit: 10),
            why: "Cards and drivers differ from node to node."
        ),
        ActionRule(
            name: "software-lock",
            priority: 300,
            match: .init(codes: 4034...4034),
            action: .resubmit,
            parameters: .init(pauseSeconds: 120, pauseGrowth: .fixed, pauseJitter: 0.2),
            why: "Somebody else is installing."
        ),
        ActionRule(
            name: "agent-restarted",
            priority: 400,
            match: .init(codes: 5003...5003),
            action: .resubmit,
            why: "The node is as good as before."
        ),
        ActionRule(
            name: "node-disk",
            priority: 400,
            match: .init(codes: 5001...5001),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, strike: .node),
            why: "A full disk fails every job that comes."
        ),
        ActionRule(
            name: "node-inodes",
            priority: 400,
            match: .init(codes: 5009...5009),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, strike: .node),
            why: "A full disk fails every job that comes."
        ),
        ActionRule(
            name: "node-gone",
            priority: 400,
            match: .init(codes: 5004...5005),
            action: .resubmit,
            parameters: .init(otherNode: true),
            why: "A node that crashed may crash again."
        ),
        ActionRule(
            name: "node-broken",
            priority: 400,
            match: .init(codes: 5006...5007),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "A broken disk does not heal."
        ),
        ActionRule(
            name: "node-full",
            priority: 400,
            match: .init(codes: 5008...5008),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "The node takes more than it can hold."
        ),
        ActionRule(
            name: "node-unfit",
            priority: 400,
            match: .init(codes: 5010...5017),
            action: .resubmit,
            parameters: .init(elsewhere: true, otherNode: true, strike: .node),
            why: "Nodes in this state fail every job within seconds."
        ),
        ActionRule(
            name: "network",
            priority: 400,
            match: .init(codes: 5021...5026),
            action: .resubmit,
            parameters: .init(pauseSeconds: 60, pauseJitter: 0.3, elsewhere: true),
            why: "Networks come back; meanwhile another site may have one."
        ),
        ActionRule(
            name: "shared-file-system",
            priority: 400,
            match: .init(codes: 5031...5032),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.2, elsewhere: true, strike: .site),
            why: "It hangs for all nodes of the site."
        ),
        ActionRule(
            name: "site-closed",
            priority: 400,
            match: .init(codes: 5041...5043),
            action: .resubmit,
            parameters: .init(elsewhere: true, strike: .site),
            why: "It stays closed for longer than any pause."
        ),
        ActionRule(
            name: "preempted",
            priority: 500,
            match: .init(codes: 6005...6005),
            action: .resubmit,
            parameters: .init(limit: 50),
            why: "It was taken for somebody more urgent: at once again, and often."
        ),
        ActionRule(
            name: "batch-silent",
            priority: 500,
            match: .init(codes: 6003...6003),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseGrowth: .fixed),
            why: "Silence is no failure. This is for an attempt that ended while nobody could be asked."
        ),
        ActionRule(
            name: "batch-held",
            priority: 500,
            match: .init(codes: 6006...6006),
            action: .resubmit,
            parameters: .init(elsewhere: true, limit: 10),
            why: "What held it would hold it again."
        ),
        ActionRule(
            name: "batch-node",
            priority: 500,
            match: .init(codes: 6007...6007),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node),
            why: "The batch system itself says that it was the node."
        ),
        ActionRule(
            name: "batch-restarted",
            priority: 500,
            match: .init(codes: 6008...6008),
            action: .resubmit,
            why: "The second start was not allowed; a new attempt is."
        ),
        ActionRule(
            name: "batch-full",
            priority: 500,
            match: .init(codes: 6009...6010),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, pauseJitter: 0.2, elsewhere: true),
            why: "Full queues empty slowly."
        ),
        ActionRule(
            name: "batch-account",
            priority: 500,
            match: .init(codes: 6011...6012),
            action: .resubmit,
            parameters: .init(pauseSeconds: 600, elsewhere: true, strike: .site),
            why: "Every job of the site fails at it."
        ),
        ActionRule(
            name: "batch-transfer",
            priority: 500,
            match: .init(codes: 6013...6014),
            action: .resubmit,
            parameters: .init(pauseSeconds: 300, pauseJitter: 0.2, limit: 10),
            why: "The way between submit host and node is a network."
        ),
        ActionRule(
            name: "batch-start",
            priority: 500,
            match: .init(codes: 6019...6019),
            action: .resubmit,
            parameters: .init(otherNode: true, strike: .node, limit: 10),
            why: "It is mostly one node that cannot start jobs."
        ),
    ]
}
