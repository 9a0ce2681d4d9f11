import Hummingbird
import NIOCore

/// What belongs to one HTTP request.
struct GatewayContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The connection: closed when a client of the live events is too slow.
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.channel = source.channel
    }
}
