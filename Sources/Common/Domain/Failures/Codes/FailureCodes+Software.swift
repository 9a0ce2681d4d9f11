extension FailureCodes {
    /// Software, containers and the file systems they come from.
    package static let software: [FailureFacts] = [
        FailureFacts(
            .softwareInstall,
            "Installing the software failed.",
            do: "Look at the installation log at the site; install what it misses.",
            .site
        ),
        FailureFacts(
            .softwareHash,
            "A software package does not have the hash it is registered with.",
            do: "Find out who changed the package; register the new one under a new version.",
            .infrastructure
        ),
        FailureFacts(
            .softwareUnavailable,
            "The installer or interpreter the software needs is not on this site.",
            do: "Look at the installation log at the site; install what it misses.",
            .site
        ),
        FailureFacts(
            .softwareDownload,
            "A software package could not be downloaded.",
            do: "Look at the server it comes from and the network to it.",
            .network
        ),
        FailureFacts(
            .softwareRelease,
            "The version of the software that the task needs is not at this site.",
            do: "Ask the site to install it, or keep the task away.",
            .site
        ),
        FailureFacts(
            .softwareSetup,
            "The set-up script of the software failed.",
            do: "Run the set-up by hand on a node of that site.",
            .site
        ),
        FailureFacts(
            .softwareLibrary,
            "A shared library that the software needs is missing on the node.",
            do: "Ask the site to install the library, or run in a container.",
            .site
        ),
        FailureFacts(
            .softwareArchitecture,
            "The software does not run on this processor or system.",
            do: "Require a suitable platform in the workflow.",
            .site
        ),
        FailureFacts(
            .softwareSpace,
            "There is no space left for software.",
            do: "Remove old versions from the agent's software folder.",
            .site
        ),
        FailureFacts(
            .softwareTimeout,
            "Installing the software took too long.",
            do: "Look at the network and the load of the node.",
            .site
        ),
        FailureFacts(
            .cvmfsMissing,
            "CVMFS is not mounted on the node.",
            do: "Ask the site to repair CVMFS on that node.",
            .site,
            rank: 28
        ),
        FailureFacts(
            .cvmfsBroken,
            "Reading from CVMFS failed.",
            do: "Ask the site to wipe the CVMFS cache of that node.",
            .site,
            rank: 28
        ),
        FailureFacts(
            .cvmfsStale,
            "CVMFS shows an old state of the repository.",
            do: "Ask the site to reload CVMFS, and look at its proxies.",
            .site,
            rank: 28
        ),
        FailureFacts(
            .containerRuntime,
            "The container runtime is missing or does not start.",
            do: "Ask the site to install or repair it.",
            .site
        ),
        FailureFacts(
            .containerImage,
            "The container image does not exist.",
            do: "Correct the name of the image in the workflow.",
            .definition
        ),
        FailureFacts(
            .containerPull,
            "The container image could not be fetched.",
            do: "Look at the registry: it may limit how often one fetches.",
            .network
        ),
        FailureFacts(
            .containerMount,
            "A folder or the image could not be mounted in the container.",
            do: "Ask the site about its bind points and loop devices.",
            .site
        ),
        FailureFacts(
            .containerNamespace,
            "The node does not allow user namespaces.",
            do: "Ask the site to allow them.",
            .site
        ),
        FailureFacts(
            .containerSetup,
            "The set-up inside the container failed.",
            do: "Run the image by hand on a node of that site.",
            .site
        ),
        FailureFacts(
            .codeDownload,
            "The user's own code could not be fetched.",
            do: "Submit the code again with a new version of the workflow.",
            .definition
        ),
        FailureFacts(
            .interpreterVersion,
            "The interpreter on the node is of the wrong version.",
            do: "Name the interpreter in the workflow's software, or run in a container.",
            .site
        ),
        FailureFacts(
            .deviceDriver,
            "The driver of the graphics card does not fit the software.",
            do: "Ask the site for its driver, or use software made for it.",
            .site
        ),
        FailureFacts(
            .softwareLocked,
            "Another installation held the lock for too long.",
            do: "See whether a dead installation left its lock in the agent's software folder.",
            .site
        ),
    ]
}
