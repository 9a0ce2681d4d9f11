import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import UnixSignals

/// In place of a service: says that it is ready, shows its environment, ends when told to.
struct StandIn {
    let name: String
    private let environment = ProcessInfo.processInfo.environment

    init(name: String) { self.name = name }

    func run() async throws {
        let journal = self.environment["MILLRACE_TEST_JOURNAL"]
        if self.environment["MILLRACE_TEST_BROKEN"] == self.name {
            complain("the \(self.name) has a headache")
            exit(3)
        }
        let signals = await UnixSignalsSequence(trapping: .sigterm)
        let port = self.environment["MILLRACE_ADMIN"]?.split(separator: ":").last.flatMap { Int($0) } ?? 0
        let text = self.environment.map { "\($0.key)=\($0.value)\n" }.joined()
        let server = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answers(environment: text))
                }
            }
        let channel = try await server.bind(host: "127.0.0.1", port: port).get()
        append("start \(self.name)", to: journal)
        for await _ in signals where self.environment["MILLRACE_TEST_STUBBORN"] != self.name { break }
        append("stop \(self.name)", to: journal)
        try await channel.close()
    }
}

private final class Answers: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let environment: String

    init(environment: String) { self.environment = environment }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(let request) = self.unwrapInboundIn(data) else { return }
        if request.uri == "/exit" { exit(5) }
        let text = request.uri == "/environment" ? self.environment : "ready\n"
        let headers = HTTPHeaders([("Content-Length", "\(text.utf8.count)")])
        let head = HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
    }
}
