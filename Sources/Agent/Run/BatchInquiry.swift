import Logging
import Subprocess

/// Asks the batch system about the job that the agent itself runs in.
enum BatchInquiry {
    /// A batch system that is slow while a job ends is not waited for: the job has no more than its grace time.
    private static let limit = Duration.seconds(5)

    /// - Returns: nil if the agent is no batch job, or its batch system cannot tell.
    static func isPreempted(_ batch: BatchJob?, _ logger: Logger) async -> Bool? {
        guard let batch, let inquiry = batch.inquiry else { return nil }
        return await withTaskGroup(of: Bool?.self) { group in
            group.addTask {
                do {
                    let answer = try await Subprocess.run(
                        .name(inquiry.program),
                        arguments: Arguments(inquiry.arguments),
                        output: .string(limit: 65_536),
                        error: .discarded
                    )
                    return BatchJob.isPreempted(scontrol: answer.standardOutput)
                } catch {
                    logger.notice(
                        "the batch system was not asked why the agent ends",
                        metadata: ["batch": "\(batch.system) \(batch.id)", "reason": "\(error)"]
                    )
                    return nil
                }
            }
            group.addTask {
                do {
                    try await Task.sleep(for: Self.limit)
                } catch {
                    // The answer came first.
                    return nil
                }
                logger.notice("the batch system does not say why the agent ends", metadata: ["batch": "\(batch.id)"])
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
    }
}
