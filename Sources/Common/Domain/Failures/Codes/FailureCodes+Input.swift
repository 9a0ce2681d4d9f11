extension FailureCodes {
    /// Reading input files: finding, copying, opening, checking.
    package static let input: [FailureFacts] = [
        FailureFacts(
            .inputMissing,
            "An input file is not where the catalogue says.",
            do: "Look at the replica; declare it bad if it is, so that another one is used.",
            .site
        ),
        FailureFacts(
            .inputChecksum,
            "An input file's bytes are not those of the catalogue.",
            do: "Look at the replica; declare it bad if it is, so that another one is used.",
            .site
        ),
        FailureFacts(
            .inputUnreachable,
            "No replica of an input file is on a storage the agent can read.",
            do: "Subscribe the dataset to a storage of that site, or add the storage to its agent.",
            .site
        ),
        FailureFacts(
            .inputTimeout,
            "Copying an input file took too long.",
            do: "Look at the load of the storage element and the network to it.",
            .network
        ),
        FailureFacts(
            .inputPermission,
            "The storage element does not let us read an input file.",
            do: "Look at the permissions of the file and the credential of the agent.",
            .site
        ),
        FailureFacts(
            .inputSizeDiffers,
            "An input file's size is not that of the catalogue.",
            do: "Look at the replica; declare it bad if it is, so that another one is used.",
            .site
        ),
        FailureFacts(
            .inputTruncated,
            "An input file ends too early.",
            do: "Look at the replica; declare it bad if it is, so that another one is used.",
            .site
        ),
        FailureFacts(
            .inputOpen,
            "The payload could not open an input file.",
            do: "Try another replica or site first; then look at the file.",
            .site,
            rank: 35
        ),
        FailureFacts(
            .inputRead,
            "The payload could not read on in an input file.",
            do: "Try another replica or site first; then look at the file.",
            .site,
            rank: 35
        ),
        FailureFacts(
            .inputStalled,
            "Reading an input file stood still.",
            do: "Look at the load of the storage element and the network to it.",
            .network,
            rank: 18
        ),
        FailureFacts(
            .inputNoReplica,
            "The catalogue has no good replica of an input file.",
            do: "Recover the file from another copy, or make it again.",
            .data
        ),
        FailureFacts(
            .inputOnTape,
            "An input file is only on tape and was not brought to disk in time.",
            do: "Stage the dataset before the task runs.",
            .infrastructure
        ),
        FailureFacts(
            .inputSpace,
            "There was no space on the node for an input file.",
            do: "Free space under the agent's work folder.",
            .site
        ),
        FailureFacts(
            .inputFormat,
            "An input file is not of the format that the payload reads.",
            do: "Check which file the task was given.",
            .data,
            rank: 34
        ),
        FailureFacts(
            .inputEvents,
            "An input file holds fewer events than the catalogue says.",
            do: "Count the events of the file and correct the catalogue.",
            .data,
            rank: 34
        ),
        FailureFacts(
            .inputProtocol,
            "The storage element offers no protocol that the agent speaks.",
            do: "Add the protocol to the storage element or to the agent.",
            .site
        ),
        FailureFacts(
            .inputCatalogue,
            "The list of replicas could not be had.",
            do: "Look at the catalogue and the network to it.",
            .infrastructure
        ),
        FailureFacts(
            .inputCredential,
            "The storage element refused our credential.",
            do: "Renew the credential of the agent.",
            .infrastructure
        ),
        FailureFacts(
            .inputBusy,
            "The storage element has too much to do.",
            do: "Limit how many jobs read from it at once.",
            .network
        ),
        FailureFacts(
            .inputMixed,
            "The inputs of one job do not belong together.",
            do: "Correct how the workflow groups its inputs.",
            .definition
        ),
        FailureFacts(
            .inputEmpty,
            "An input file has no bytes.",
            do: "Find the attempt that wrote it; declare it bad.",
            .data
        ),
        FailureFacts(
            .inputDeclaredBad,
            "An input file was declared bad after the job had been given out.",
            do: "Nothing; the job waits until the file is there again.",
            .data
        ),
        FailureFacts(
            .inputTool,
            "The tool that copies input files failed.",
            do: "Look at the tool's message in the job's log.",
            .site,
            rank: 36
        ),
        FailureFacts(
            .inputSecondary,
            "A secondary input, such as pile-up, is missing.",
            do: "Look at the dataset that the workflow names for it.",
            .data
        ),
    ]
}
