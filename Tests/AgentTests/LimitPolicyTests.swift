import Domain
import Testing

@testable import Agent

@Suite("What a step may use")
struct LimitPolicyTests {
    private let requirement = Requirement(memoryMB: 100, walltimeSeconds: 60, diskMB: 10)
    private static let megabyte: Int64 = 1 << 20

    private func breach(_ usage: StepUsage, diskMB: Int = 10) -> LimitBreach? {
        var requirement = self.requirement
        requirement.diskMB = diskMB
        return LimitPolicy.breach(usage, requirement)
    }

    @Test("each limit ends it by its own name, one byte above and not at the limit")
    func edges() {
        let megabyte = Self.megabyte
        #expect(self.breach(StepUsage(memoryBytes: 100 * megabyte)) == nil)
        #expect(self.breach(StepUsage(memoryBytes: 100 * megabyte + 1)) == .memory(usedMB: 101, limitMB: 100))
        #expect(self.breach(StepUsage(diskBytes: 10 * megabyte)) == nil)
        #expect(self.breach(StepUsage(diskBytes: 10 * megabyte + 1)) == .disk(usedMB: 11, limitMB: 10))
        #expect(self.breach(StepUsage(diskBytes: 10 * megabyte + 1), diskMB: 0) == nil)
        #expect(self.breach(StepUsage(logBytes: 1024 * megabyte)) == nil)
        #expect(self.breach(StepUsage(logBytes: 1024 * megabyte + 1)) == .log(usedMB: 1025, limitMB: 1024))
        #expect(self.breach(StepUsage(isOutOfTime: true)) == .wallTime(limitSeconds: 60))
    }

    @Test("of several that are broken one is told: time, memory, log, disk")
    func order() {
        let much = Int64.max >> 21
        var usage = StepUsage(isOutOfTime: true, memoryBytes: much, logBytes: much, diskBytes: much)
        var codes: [Int] = []
        while let breach = self.breach(usage) {
            codes.append(breach.failure(step: "s").code)
            switch breach {
            case .wallTime: usage.isOutOfTime = false
            case .memory: usage.memoryBytes = nil
            case .log: usage.logBytes = nil
            case .disk: usage.diskBytes = nil
            case .looping: Issue.record("this is not decided here")
            }
        }
        #expect(codes == [2001, 2002, 2022, 2003])
    }

    @Test("defect 10 of CMS's checks: below its limits nothing is said, and what is not known breaks none")
    func defect10() {
        #expect(self.breach(StepUsage()) == nil)
        #expect(self.breach(StepUsage(memoryBytes: 0, logBytes: 0, diskBytes: 0)) == nil)
        #expect(self.breach(StepUsage(memoryBytes: nil, logBytes: nil, diskBytes: 1)) == nil)
        #expect(self.breach(StepUsage(memoryBytes: 1, logBytes: nil, diskBytes: nil)) == nil)
    }
}
