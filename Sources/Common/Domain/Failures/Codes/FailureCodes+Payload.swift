extension FailureCodes {
    /// What the program that was run did, and the signals that ended it: 1100 plus the number of the signal.
    package static let payload: [FailureFacts] = [
        FailureFacts(
            .payloadExit,
            "A step ended with an exit code other than 0.",
            do: "Read the job's log; run it on your machine with `millrace run --local TASK INDEX`.",
            .payload,
            rank: 74
        ),
        FailureFacts(
            .payloadSignal,
            "A step was ended by a signal that nobody of ours sent.",
            do: "Read the job's log; run it on your machine with `millrace run --local TASK INDEX`.",
            .payload,
            rank: 73
        ),
        FailureFacts(
            .payloadTooFewEvents,
            "The steps succeeded but read or wrote fewer events than the job was asked for.",
            do: "Check the input file and the payload's own limits on events.",
            .payload,
            rank: 76
        ),
        FailureFacts(
            .payloadReportBroken,
            "A step left no report, or one that cannot be read.",
            do: "Read the job's log; run it on your machine with `millrace run --local TASK INDEX`.",
            .payload,
            rank: 77
        ),
        FailureFacts(
            .payloadNotFound,
            "The command of a step does not exist or may not be executed.",
            do: "Correct the workflow and make a new version of it.",
            .definition
        ),
        FailureFacts(
            .payloadArguments,
            "The payload refused its arguments.",
            do: "Correct the arguments in the workflow and make a new version of it.",
            .definition
        ),
        FailureFacts(
            .payloadConfiguration,
            "The payload could not read or understand its configuration.",
            do: "Correct the configuration in the workflow and make a new version of it.",
            .definition
        ),
        FailureFacts(
            .payloadException,
            "The payload ended with an exception that it did not catch.",
            do: "Read the last lines of the log and give them to whoever maintains the payload.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadFatal,
            "The payload gave up with a fatal message of its own.",
            do: "Read the last lines of the log and give them to whoever maintains the payload.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadAssertion,
            "A check inside the payload did not hold.",
            do: "Give the message and the job's seed to whoever maintains the payload.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadCoreDump,
            "The payload left a core dump.",
            do: "Look at the stack in the log or in the core file, if the site keeps it.",
            .payload,
            rank: 72
        ),
        FailureFacts(
            .payloadImport,
            "A Python module that the payload needs is missing.",
            do: "Add the module to the software of the workflow.",
            .definition
        ),
        FailureFacts(
            .payloadPlugin,
            "A component or plug-in that the payload's configuration names does not exist.",
            do: "Compare the name with the software version of the workflow.",
            .definition
        ),
        FailureFacts(
            .payloadGeometry,
            "The detector description cannot be built.",
            do: "Check the detector model and the version of its description.",
            .definition
        ),
        FailureFacts(
            .payloadPhysicsList,
            "The simulation does not know the physics list.",
            do: "Correct the physics list in the workflow.",
            .definition
        ),
        FailureFacts(
            .payloadGenerator,
            "The event generator gave up.",
            do: "Check the process and its cuts; a generator that hardly finds events needs other ones.",
            .payload
        ),
        FailureFacts(
            .payloadEvent,
            "One event cannot be processed.",
            do: "Run the job from that event on; report the event to whoever maintains the payload.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadNumeric,
            "A calculation gave a number that is none.",
            do: "Give the message and the job's seed to whoever maintains the payload.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadValidation,
            "The payload's own check of its output failed.",
            do: "Look at the check's report before trying again.",
            .payload,
            rank: 75
        ),
        FailureFacts(
            .payloadWrite,
            "The payload could not write its output file.",
            do: "See whether the disk was full; if not, look at the payload's log.",
            .payload,
            rank: 71
        ),
        FailureFacts(
            .payloadPreStep,
            "The command before the payload failed.",
            do: "Read the log of that command.",
            .payload
        ),
        FailureFacts(
            .payloadPostStep,
            "The command after the payload failed.",
            do: "Read the log of that command.",
            .payload,
            rank: 75
        ),
        FailureFacts(
            .payloadAgain,
            "The payload asked to be run again.",
            do: "Nothing, unless it asks often: then read why in its log.",
            .site
        ),
        FailureFacts(
            .conditionsUnreachable,
            "The conditions or calibration database could not be reached.",
            do: "Look at the database's caches and at the load on them.",
            .infrastructure,
            rank: 62
        ),
        FailureFacts(
            .conditionsMissing,
            "The conditions database has nothing for what was asked.",
            do: "Check the tag and the run range in the workflow.",
            .definition,
            rank: 62
        ),
        FailureFacts(
            .databaseUnreachable,
            "A database that the payload reads could not be reached.",
            do: "Look at that database and the network to it.",
            .infrastructure,
            rank: 62
        ),
        FailureFacts(
            .licenceRefused,
            "The licence server gave no licence.",
            do: "See how many licences are in use, and limit the task to fewer jobs at once.",
            .infrastructure,
            rank: 62
        ),
        FailureFacts(
            .serviceUnreachable,
            "A service that the payload calls did not answer.",
            do: "Look at that service and the network to it.",
            .infrastructure,
            rank: 63
        ),
        FailureFacts(
            .signalHangup,
            "The payload was ended by SIGHUP.",
            do: "Ask the site whether it closed a session or restarted a service.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalInterrupt,
            "The payload was ended by SIGINT.",
            do: "Ask the site who interrupts jobs.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalQuit,
            "The payload was ended by SIGQUIT.",
            do: "Ask the site who ends jobs.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalIllegal,
            "The payload was ended by SIGILL: the processor does not know an instruction.",
            do: "Ask for newer nodes, or build the software for older ones.",
            .site
        ),
        FailureFacts(
            .signalAbort,
            "The payload was ended by SIGABRT: it gave up by itself.",
            do: "Read the lines before the abort; the cause stands there.",
            .payload,
            rank: 72
        ),
        FailureFacts(
            .signalBus,
            "The payload was ended by SIGBUS: memory behind a file was not there.",
            do: "See whether the disk or the shared memory was full; else report it as a defect.",
            .payload
        ),
        FailureFacts(
            .signalArithmetic,
            "The payload was ended by SIGFPE: a division by zero or an overflow.",
            do: "Give the stack and the job's seed to whoever maintains the payload.",
            .payload
        ),
        FailureFacts(
            .signalKill,
            "The payload was ended by SIGKILL, and nobody of ours sent it.",
            do: "Ask the site's batch system; most often it is memory or the end of a slot.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalUser,
            "The payload was ended by SIGUSR1, which some batch systems send as a warning.",
            do: "Ask the site what its batch system warns of.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalSegmentation,
            "The payload was ended by SIGSEGV: it used memory that is not its own.",
            do: "Give the stack and the job's seed to whoever maintains the payload.",
            .payload
        ),
        FailureFacts(
            .signalPipe,
            "The payload was ended by SIGPIPE: who read its output had gone.",
            do: "Look which step of the pipe ended first.",
            .payload,
            rank: 73
        ),
        FailureFacts(
            .signalTerminate,
            "The payload was ended by SIGTERM, and nobody of ours sent it.",
            do: "Ask the site's batch system why it ended the job.",
            .site,
            rank: 73
        ),
        FailureFacts(
            .signalCPU,
            "The payload was ended by SIGXCPU: it used up its CPU time.",
            do: "Raise the task's time, or make its jobs smaller.",
            .payload,
            rank: 73
        ),
        FailureFacts(
            .signalFileSize,
            "The payload was ended by SIGXFSZ: a file became larger than allowed.",
            do: "Make the jobs smaller, or ask the site to raise the limit.",
            .payload,
            rank: 73
        ),
        FailureFacts(
            .signalSystemCall,
            "The payload was ended by SIGSYS: a system call is forbidden on this node.",
            do: "Ask the site about the restrictions of its containers.",
            .site
        ),
    ]
}
