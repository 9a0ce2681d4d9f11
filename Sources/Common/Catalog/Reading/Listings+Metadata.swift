import Postgres

/// The listings of what people say of files, and of sets of datasets.
extension Listings {
    package static let metadata = Listing(
        "metadata",
        from: "(SELECT name AS field, type, description, who, created FROM metadata_field)",
        key: [.text("v.field")],
        filters: [.texts("field", "v.field"), .texts("type", "v.type")]
    )

    /// Who changed fields, values and containers.
    package static let metadataChanges = Listing(
        "metadata-changes",
        from: "(SELECT id, at, subject, change, who, detail FROM metadata_change)",
        key: [.integer("v.id")],
        filters: [.texts("subject", "v.subject"), .texts("change", "v.change"), .texts("who", "v.who")]
    )

    package static let containers = Listing(
        "containers",
        from: "container_view",
        key: [.text("v.container")],
        filters: [.texts("container", "v.container"), .texts("state", "v.state"), .texts("owner", "v.owner")]
    )
}
