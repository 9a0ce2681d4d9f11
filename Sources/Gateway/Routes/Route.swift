import Catalog
import Domain
import HTTPTypes
import Hummingbird

/// One route of the API: what the router, the access check and the description are made from.
struct Route: Sendable {
    typealias Handle = @Sendable (Gateway, Call) async throws -> Reply

    let method: HTTPRequest.Method
    /// Below `/api/v1`, such as `/jobs/{task}/{index}`.
    let path: String
    /// The least role that may call it. What else a change needs is decided with it, in the catalogue's operations.
    let role: Role
    /// The names its query may have.
    let query: Set<String>
    let handle: Handle

    static let base = "/api/v1"
    static let pageParameters: Set<String> = ["after", "limit", "order"]

    static func get(_ path: String, query: Set<String> = [], _ handle: @escaping Handle) -> Route {
        Route(method: .get, path: path, role: .viewer, query: query, handle: handle)
    }

    static func list(_ listing: Listing) -> Route {
        Route(
            method: .get,
            path: "/\(listing.name)",
            role: .viewer,
            query: Self.pageParameters.union(listing.filters.map(\.name))
        ) { try await $0.list(listing, $1) }
    }

    /// A change: it may be tried dry.
    static func post(_ path: String, role: Role, _ handle: @escaping Handle) -> Route {
        Route(method: .post, path: path, role: role, query: ["dryRun"], handle: handle)
    }

    private init(
        method: HTTPRequest.Method,
        path: String,
        role: Role,
        query: Set<String>,
        handle: @escaping Handle
    ) {
        self.method = method
        self.path = path
        self.role = role
        self.query = query
        self.handle = handle
    }

    /// Every route of the API.
    static let all: [Route] =
        Listings.all.filter { $0.name != Listings.files.name }.map(Route.list) + Self.metadata + Self.objects
        + Self.errors + Self.live + Self.requestChanges + Self.cleanups + Self.shareChanges + Self.dataChanges
        + Self.taskChanges
        + Self.farmChanges + Self.metadataChanges + Self.history + Self.registering
}
