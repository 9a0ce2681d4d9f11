extension FailureCodes {
    /// Output files: 80xx as written, 81xx on their way to storage, 82xx in the books.
    package static let output: [FailureFacts] = [
        FailureFacts(
            .outputMissing,
            "A file that the task declares as output was not written.",
            do: "Compare the file names in the workflow with what the steps write.",
            .payload,
            rank: 91
        ),
        FailureFacts(
            .outputEmpty,
            "An output file that claims events has no bytes.",
            do: "Compare the file names in the workflow with what the steps write.",
            .payload,
            rank: 91
        ),
        FailureFacts(
            .outputTruncated,
            "An output file was not closed properly.",
            do: "Read the last lines of the log: the payload was most likely ended while it wrote.",
            .payload,
            rank: 91
        ),
        FailureFacts(
            .outputName,
            "The name of an output file is too long or has a character it may not have.",
            do: "Correct the name in the workflow.",
            .definition
        ),
        FailureFacts(
            .outputMetadata,
            "The payload says nothing about an output file.",
            do: "Compare the streams of the workflow with the payload's report.",
            .payload,
            rank: 91
        ),
        FailureFacts(
            .stageOut,
            "An output file could not be written to storage.",
            do: "Look at the storage element: space, permissions, reachability.",
            .site
        ),
        FailureFacts(
            .stageOutPermission,
            "The storage element does not let us write.",
            do: "Look at the permissions of the folder and the credential of the agent.",
            .site
        ),
        FailureFacts(
            .stageOutSpace,
            "The storage element is full.",
            do: "Free space, or send the output to another storage element.",
            .site
        ),
        FailureFacts(
            .stageOutTimeout,
            "Writing an output file to storage took too long.",
            do: "Look at the load of the storage element and the network to it.",
            .network
        ),
        FailureFacts(
            .stageOutChecksum,
            "An output file's bytes on storage are not those that were written.",
            do: "Look at the storage element and the network to it.",
            .network
        ),
        FailureFacts(
            .stageOutUnreachable,
            "The storage element cannot be reached.",
            do: "Look at the storage element and the network to it.",
            .network
        ),
        FailureFacts(
            .stageOutExists,
            "A file of that name is already on the storage element.",
            do: "Look for an earlier attempt whose end was not recorded.",
            .infrastructure
        ),
        FailureFacts(
            .stageOutCredential,
            "The storage element refused our credential.",
            do: "Renew the credential of the agent.",
            .infrastructure
        ),
        FailureFacts(
            .stageOutProtocol,
            "The storage element offers no protocol that the agent can write with.",
            do: "Add the protocol to the storage element or to the agent.",
            .site
        ),
        FailureFacts(
            .stageOutSize,
            "An output file's size on storage is not that which was written.",
            do: "Look at the storage element and the network to it.",
            .network
        ),
        FailureFacts(
            .stageOutBusy,
            "The storage element has too much to do.",
            do: "Limit how many jobs write to it at once.",
            .network
        ),
        FailureFacts(
            .stageOutQuota,
            "Our quota on the storage element is used up.",
            do: "Ask for more, or delete what is not needed.",
            .site
        ),
        FailureFacts(
            .stageOutReadOnly,
            "The storage element can only be read.",
            do: "Send the output to another storage element until it is repaired.",
            .site
        ),
        FailureFacts(
            .stageOutTool,
            "The tool that copies output files failed.",
            do: "Look at the tool's message in the job's log.",
            .site,
            rank: 92
        ),
        FailureFacts(
            .logStageOut,
            "The log could not be written to storage.",
            do: "Look at the storage element for logs.",
            .site,
            rank: 96
        ),
        FailureFacts(
            .missingStream,
            "The manifest lacks a stream that the task declares.",
            do: "The payload's report is at odds with the task; correct one.",
            .payload
        ),
        FailureFacts(
            .extraStream,
            "The manifest names a stream that the task does not declare.",
            do: "The payload's report is at odds with the task; correct one.",
            .payload
        ),
        FailureFacts(
            .eventsMismatch,
            "The events read are not the events the job was given.",
            do: "The payload's report is at odds with the task; correct one.",
            .payload
        ),
        FailureFacts(
            .checksumMalformed,
            "A checksum in the manifest is missing or not 8 lower-case hex digits.",
            do: "The agent is faulty or of another version; look at its log.",
            .infrastructure
        ),
        FailureFacts(
            .zeroSize,
            "The manifest claims a file of zero bytes.",
            do: "The agent is faulty or of another version; look at its log.",
            .infrastructure
        ),
        FailureFacts(
            .foreignName,
            "The name of an output file is not one of this attempt.",
            do: "The agent is faulty or of another version; look at its log.",
            .infrastructure
        ),
        FailureFacts(
            .unknownStorage,
            "The manifest names a storage element that the catalogue does not have.",
            do: "Add the storage element, or correct its name in the agent's file.",
            .site
        ),
        FailureFacts(
            .outputSum,
            "A merged file does not hold the sum of the events of its inputs.",
            do: "The payload's report is at odds with the task; correct one.",
            .payload
        ),
        FailureFacts(
            .nameTaken,
            "A file of that name is already registered.",
            do: "The agent is faulty or of another version; look at its log.",
            .infrastructure
        ),
        FailureFacts(
            .booksUnreachable,
            "The Bookkeeper could not be reached.",
            do: "Look at the Bookkeeper; the attempt's manifest waits at the agent.",
            .infrastructure,
            rank: 95
        ),
        FailureFacts(
            .registration,
            "An output file could not be registered.",
            do: "Look at the Bookkeeper's log.",
            .infrastructure,
            rank: 95
        ),
        FailureFacts(
            .duplicateOutput,
            "Another attempt of the job has already been accepted.",
            do: "Nothing; the files of this attempt are swept.",
            .infrastructure
        ),
        FailureFacts(
            .foreignRange,
            "The events the attempt handled are not those of its job.",
            do:
                "The payload did not skip to MILLRACE_FIRST_EVENT, did not read all inputs once, or the agent ran an older description of the job.",
            .payload
        ),
        FailureFacts(
            .staleAttempt,
            "The manifest came when the attempt had ended without it.",
            do:
                "Nothing: its verdict was given when it ended. If it happens often, look at the agent's link and at the site's lost_after.",
            .network
        ),
    ]
}
