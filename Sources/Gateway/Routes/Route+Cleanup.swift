import Catalog
import Domain
import HTTPTypes

/// Cancelling requests, and deleting what they made.
extension Route {
    static let cleanups: [Route] = [
        .get("/cleanups/{request}") { gateway, call in
            let id = try call.integer("request")
            return .json(try await gateway.object(CleanupStatements.cleanup(id), "clean-up of request \(id)"))
        },
        .post("/requests/{request}/cancel", role: .physicist) { gateway, call in
            let body = try call.body(["version", "reason", "delete_outputs", "force"])
            let (id, version, reason) = (
                try call.integer("request"), try body.optionalInteger("version"), try body.reason()
            )
            let force = try body.optionalTruth("force") ?? false
            let deletes = try body.optionalTruth("delete_outputs") ?? false
            if force && !deletes {
                throw Refusal(.badRequest, "force goes with delete_outputs: there is nothing else to force")
            }
            let cleaning = deletes ? Cleaning(force: force) : nil
            return try await gateway.change(call) {
                try await $0.cancel(id, version: version, reason: reason, cleaning: cleaning)
            }
        },
        .post("/cleanups/{request}/force", role: .administrator) { gateway, call in
            let id = try call.integer("request")
            _ = try call.body([])
            return try await gateway.change(call) { try await $0.forceCleanup(id) }
        },
        .post("/cleanups/{request}/stop", role: .physicist) { gateway, call in
            let id = try call.integer("request")
            _ = try call.body([])
            return try await gateway.change(call) { try await $0.stopCleanup(id) }
        },
    ]
}
