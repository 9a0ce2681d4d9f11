import Catalog
import Domain
import Messages

/// How capacity is divided, and requests made after others.
extension Route {
    static let shareChanges: [Route] = [
        .post("/shares", role: .administrator) { gateway, call in
            let body = try call.body(["share", "parent", "weight"])
            let (share, parent, weight) = (
                try body.text("share"), try body.optionalText("parent"), try body.optionalNumber("weight") ?? 1
            )
            return try await gateway.change(call) { try await $0.addShare(share, parent: parent, weight: weight) }
        },
        .post("/shares/{share}/set", role: .administrator) { gateway, call in
            let share = try call.text("share")
            let weight = try call.body(["weight"]).number("weight")
            return try await gateway.change(call) { try await $0.setShare(share, weight: weight) }
        },
        .post("/shares/{share}/remove", role: .administrator) { gateway, call in
            let share = try call.text("share")
            _ = try call.body([])
            return try await gateway.change(call) { try await $0.removeShare(share) }
        },
        .post("/requests/{request}/change", role: .operator) { gateway, call in
            let body = try call.body(["version", "reason", "priority", "share"])
            let (id, version, reason) = (
                try call.integer("request"), try body.optionalInteger("version"), try body.reason()
            )
            let (priority, share) = (try body.optionalInt("priority"), try body.optionalText("share"))
            return try await gateway.change(call) {
                try await $0.change(id, priority: priority, share: share, version: version, reason: reason)
            }
        },
        .post("/requests/{request}/clone", role: RequestAction.clone.role) { gateway, call in
            let id = try call.integer("request")
            let body = try call.body([
                "title", "parameters", "workflow_version", "priority", "share", "seed", "submission",
            ])
            let changes = Operations.CloneChanges(
                title: try body.optionalText("title"),
                parameters: try body.scalars("parameters"),
                workflowVersion: try body.optionalInt("workflow_version"),
                priority: try body.optionalInt("priority"),
                share: try body.optionalText("share"),
                seed: try body.optionalInteger("seed"),
                submission: try body.optionalText("submission")
            )
            return try await gateway.change(call) { try await $0.clone(id, changes) }
        },
        .post("/requests/{request}/derive", role: RequestAction.derive.role) { gateway, call in
            let id = try call.integer("request")
            let body = try call.body([
                "title", "parameters", "workflow_version", "document", "priority", "share", "submission", "version",
            ])
            let document = try body.value("document", orElse: .nothing)
            let clone = Operations.CloneChanges(
                title: try body.optionalText("title"),
                parameters: try body.scalars("parameters"),
                workflowVersion: try body.optionalInt("workflow_version"),
                priority: try body.optionalInt("priority"),
                share: try body.optionalText("share"),
                submission: try body.optionalText("submission")
            )
            let changes = Operations.DeriveChanges(
                clone,
                document: document == .nothing ? nil : try Self.document(document),
                version: try body.optionalInteger("version")
            )
            return try await gateway.change(call) { try await $0.derive(id, changes) }
        },
    ]
}
