import Catalog
import Domain
import Messages

/// What people do to datasets and files.
extension Route {
    static let dataChanges: [Route] = [
        .post("/datasets/{dataset}/close", role: .operator) { gateway, call in
            let (dataset, reason) = (try call.text("dataset"), try call.body(["reason"]).reason())
            return try await gateway.change(call) { try await $0.close(dataset: dataset, reason: reason) }
        },
        .post("/datasets/{dataset}/subscribe", role: .operator) { gateway, call in
            let (dataset, storage) = (try call.text("dataset"), try call.body(["storage"]).text("storage"))
            return try await gateway.change(call) { try await $0.subscribe(dataset: dataset, to: storage) }
        },
        .post("/files/declare-bad", role: .operator) { gateway, call in
            let body = try call.body(["lfn", "storage", "lost", "reason"])
            let (lfn, storage) = (try body.text("lfn"), try body.optionalText("storage"))
            let (isLost, reason) = (try body.optionalTruth("lost") ?? false, try body.reason())
            return try await gateway.change(call) {
                try await $0.declareBad(file: lfn, at: storage, isLost: isLost, reason: reason)
            }
        },
        .post("/requests/{request}/extend", role: .operator) { gateway, call in
            let body = try call.body(["version", "reason", "events"])
            let (id, version, reason) = (
                try call.integer("request"), try body.optionalInteger("version"), try body.reason()
            )
            let events = try body.integer("events")
            return try await gateway.change(call) {
                try await $0.extend(id, by: events, version: version, reason: reason)
            }
        },
    ]
}
