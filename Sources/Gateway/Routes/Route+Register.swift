import Catalog
import Domain
import Messages

/// Datasets that people fill, and files that are there already.
extension Route {
    static let registering: [Route] = [
        .post("/datasets", role: .operator) { gateway, call in
            let body = try call.body(["dataset", "home", "metadata", "reason"])
            let (name, home) = (try body.text("dataset"), try body.optionalText("home"))
            let (metadata, reason) = (try body.scalars("metadata"), try body.reason())
            return try await gateway.change(call) {
                try await $0.createDataset(name, home: home, metadata: metadata, reason: reason)
            }
        },
        .post("/datasets/{dataset}/add", role: .operator) { gateway, call in
            let (name, files) = (try call.text("dataset"), try call.body(["files"]).texts("files"))
            return try await gateway.change(call) { try await $0.add(files: files, to: name) }
        },
        .post("/files/register", role: .operator) { gateway, call in
            let body = try call.body(["storage", "dataset", "files", "measure", "reason"])
            let (storage, dataset) = (try body.text("storage"), try body.text("dataset"))
            let (measured, reason) = (try body.optionalTruth("measure") ?? false, try body.reason())
            let entries = try body.groups("files", keys: FileEntry.keys).map { try FileEntry($0) }
            return try await gateway.change(call) {
                try await $0.register(entries, at: storage, into: dataset, measured: measured, reason: reason)
            }
        },
    ]
}

extension FileEntry {
    fileprivate static let keys: Set<String> = ["lfn", "bytes", "adler32", "crc32c", "events", "metadata"]

    fileprivate init(_ body: Body) throws(Refusal) {
        self.init(
            lfn: try body.text("lfn"),
            bytes: try body.integer("bytes"),
            adler32: try body.optionalText("adler32"),
            crc32c: try body.optionalText("crc32c"),
            events: try body.integer("events"),
            metadata: try body.scalars("metadata")
        )
    }
}
