import Catalog
import Domain
import Foundation
import Messages
import NIOConcurrencyHelpers
import Postgres
import PrivateServers
import SimulatedSite
import Storage
import TestSupport
import Testing

/// Files on their way home, while workers are killed.
@Suite(.serialized) struct TransferTests {
    /// The agent writes real files on its own storage; two workers carry them to their dataset's home, each is killed with -9
    /// and started again. Every file arrives once, whole, and the dataset closes.
    @Test func killingTransferLosesNoFileAndMovesNoneTwice() async throws {
        try await LifecycleTests.withCentre(services: ["scheduler", "monitor", "bookkeeper"]) { centre, processes in
            // A worker that is gone is waited for no longer than this.
            let config = "transfer:\n  sweep: 1s\n  pause: 1s\n"
            for instance in ["a", "b"] {
                processes.append(try await centre.start("transfer", instance: instance, config: config))
            }
            let watch = try await centre.events(["transfer.#", "request.#"])
            let away = "\(centre.folder)/AWAY-DISK"
            let problems = NIOLockedValueBox<[String]>([])
            let agent = try await centre.agent("ALPHA") { job, _ in
                .finishWith { item in
                    do {
                        return try Self.writing(item, seed: job.seed, under: away)
                    } catch {
                        problems.withLockedValue { $0.append("\(error)") }
                        return item
                    }
                }
            }
            let running = Task { try await agent.run() }
            let request = try await centre.approve(jobs: 400)
            for (place, dead, instance) in [(3, "transfer-a", "c"), (4, "transfer-b", "d")] {
                var moved = 0
                _ = try await watch.until { key, event in
                    if key.hasPrefix("transfer.") && event.to == "done" { moved += 1 }
                    return moved >= 60
                }
                processes[place].signal(9)
                _ = await processes[place].waitForExit()
                processes[place] = try await centre.start("transfer", instance: instance, config: config)
                // What the dead worker held waits for the end of its lease: here at once.
                try await centre.database.execute(
                    "UPDATE transfer SET lease_until = now() WHERE state = 'active' AND worker = \(dead)"
                )
            }
            try await watch.finish(of: request)
            running.cancel()
            await watch.stop()
            #expect(problems.withLockedValue { $0 }.isEmpty)
            let home = try await centre.one(
                "SELECT count(*) FROM replica_view WHERE storage = 'HOME-DISK' AND state = 'available'",
                as: Int64.self
            )
            #expect(home == 400)
            let files =
                FileManager.default.enumerator(atPath: "\(centre.folder)/HOME-DISK")?.compactMap { $0 as? String } ?? []
            #expect(files.count { $0.hasSuffix(".dat") } == 400)
            try await LifecycleTests.expectNoViolations(centre)
        }
    }

    /// Writes every file of a manifest, with bytes of its own, and says what was written.
    private static func writing(_ item: FinishedItem, seed: Int64, under folder: String) throws -> FinishedItem {
        var item = item
        for place in item.outputs.indices {
            guard let lfn = item.outputs[place].lfn else { continue }
            let path = URL(fileURLWithPath: folder + lfn)
            let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: Int64($0) &* 31 &+ seed) }
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data(bytes).write(to: path)
            var sum = RunningChecksum()
            bytes.withUnsafeBytes { sum.update($0) }
            item.outputs[place].bytes = sum.file.bytes
            item.outputs[place].adler32 = sum.file.adler32
            item.outputs[place].crc32c = sum.file.crc32c
            item.outputs[place].storage = "AWAY-DISK"
        }
        return item
    }
}
