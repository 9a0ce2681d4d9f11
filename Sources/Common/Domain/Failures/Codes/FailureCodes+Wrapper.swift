extension FailureCodes {
    /// What runs the steps of a job and reports on them.
    package static let wrapper: [FailureFacts] = [
        FailureFacts(
            .wrapperCrashed,
            "The job's wrapper ended without saying why.",
            do: "Look at the agent's log on that node.",
            .site,
            rank: 84
        ),
        FailureFacts(
            .specification,
            "The job's description cannot be run: a variable, file or software it names is not defined.",
            do: "Correct the workflow and make a new version of it.",
            .definition
        ),
        FailureFacts(
            .wrapperKilled,
            "The job's wrapper was ended by a signal.",
            do: "Ask the site's batch system why it ended the job.",
            .site,
            rank: 83
        ),
        FailureFacts(
            .wrapperStuck,
            "The job's wrapper stopped reacting and was removed.",
            do: "Look at the node: a hung file system stops wrappers too.",
            .site,
            rank: 83
        ),
        FailureFacts(
            .wrapperVersion,
            "The job needs a newer wrapper than the site has.",
            do: "Update the agent of that site.",
            .infrastructure
        ),
        FailureFacts(
            .sandboxMissing,
            "Files that travel with the job could not be fetched.",
            do: "See whether the workflow's files are still in the catalogue.",
            .infrastructure
        ),
        FailureFacts(
            .sandboxBroken,
            "The archive that travels with the job cannot be unpacked.",
            do: "Make a new version of the workflow with a sound archive.",
            .definition
        ),
        FailureFacts(
            .environment,
            "Preparing the environment of a step failed.",
            do: "Look at the set-up lines of the job's log.",
            .site
        ),
        FailureFacts(
            .workFolder,
            "The folder of the job could not be made.",
            do: "Look at space and permissions under the agent's work folder.",
            .site
        ),
        FailureFacts(
            .wrapperTimeout,
            "A command of the wrapper did not end in time.",
            do: "Look at the node: it is overloaded or a file system hangs.",
            .site
        ),
        FailureFacts(
            .wrapperReport,
            "The wrapper's report cannot be read.",
            do: "Look at the agent's log; compare the versions of agent and wrapper.",
            .site,
            rank: 84
        ),
        FailureFacts(
            .wrapperMonitor,
            "What measures the attempt's use of resources failed.",
            do: "Look at the agent's log on that node.",
            .site,
            rank: 85
        ),
        FailureFacts(
            .sitePrologue,
            "The site's own script before a job failed.",
            do: "Ask the site about its prologue.",
            .site
        ),
        FailureFacts(
            .siteEpilogue,
            "The site's own script after a job failed.",
            do: "Ask the site about its epilogue.",
            .site,
            rank: 85
        ),
        FailureFacts(
            .logPacking,
            "The log could not be packed in time.",
            do: "Look for very many or very large log files.",
            .site,
            rank: 86
        ),
        FailureFacts(
            .wrapperException,
            "The wrapper met an error that it does not know.",
            do: "Report it with the agent's log.",
            .infrastructure
        ),
        FailureFacts(
            .unsupported,
            "The job asks for something that this wrapper cannot do.",
            do: "Update the agent, or keep such jobs from the site.",
            .infrastructure
        ),
        FailureFacts(
            .wrapperNoReport,
            "The wrapper ended well and left no report.",
            do: "Look at the agent's log and at the job's folder on that node.",
            .site,
            rank: 84
        ),
    ]
}
