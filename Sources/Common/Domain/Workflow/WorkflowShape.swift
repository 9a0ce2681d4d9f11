extension WorkflowDocument {
    /// Which keys a workflow file may have. ``file`` says how it differs from the stored document: files are named there and
    /// hold their text here.
    package static let shape = Self.shape(
        sandbox: .list(.keys(["name": .scalar, "text": .scalar], required: ["name", "text"]))
    )

    /// The shape of the YAML an operator writes: `sandbox` is a list of file names.
    package static let fileShape = Self.shape(sandbox: .list(.scalar))

    private static func shape(sandbox: DocumentShape) -> DocumentShape {
        .keys(
            [
                "name": .scalar,
                "description": .scalar,
                "parameters": .anyKeys(.keys(["description": .scalar, "default": .scalar], required: [])),
                "software": .list(
                    .keys(
                        ["name": .scalar, "version": .scalar, "kind": .scalar, "requirements": .scalar],
                        required: ["name", "version", "kind", "requirements"]
                    )
                ),
                "sandbox": sandbox,
                "tasks": .list(self.task),
            ],
            required: ["name", "tasks"]
        )
    }

    private static let task: DocumentShape = .keys(
        [
            "name": .scalar,
            "kind": .scalar,
            "events": .scalar,
            "eventsPerJob": .scalar, "filesPerJob": .scalar, "megabytesPerJob": .scalar, "flushAfter": .scalar,
            "groupBy": .list(.scalar),
            "inputs": .list(
                .keys(
                    [
                        "task": .scalar, "stream": .scalar, "dataset": .scalar, "missingIn": .scalar,
                        "container": .scalar, "query": .scalar,
                    ],
                    required: []
                )
            ),
            "software": .list(.scalar),
            "steps": .list(
                .keys(
                    ["name": .scalar, "command": .list(.scalar), "environment": .anyKeys(.scalar), "rescue": .scalar],
                    required: ["name", "command"]
                )
            ),
            "outputs": .list(
                .keys(
                    [
                        "stream": .scalar, "file": .scalar, "dataset": .scalar, "home": .scalar, "events": .scalar,
                        "metadata": .anyKeys(.scalar),
                    ],
                    required: ["stream", "file"]
                )
            ),
            "resources": .keys(
                [
                    "cores": .scalar, "memoryMB": .scalar, "walltimeSeconds": .scalar, "diskMB": .scalar,
                    "platform": .scalar,
                    "tags": .list(.scalar), "sites": .list(.scalar),
                ],
                required: []
            ),
            "allowedLoss": .scalar,
            "maxAttempts": .scalar,
            "scouts": .scalar,
            "metadata": .anyKeys(.scalar),
        ],
        required: ["name", "kind", "steps", "outputs"]
    )
}
