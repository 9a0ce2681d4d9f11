import Testing

@testable import Monitor

@Suite struct HeartbeatPaceTests {
    @Test func aHundredthOfTheShortestSilence() {
        let pace = HeartbeatPace()
        #expect(pace.pause == .zero)
        pace.hear(lostAfterSeconds: 3600)
        #expect(pace.pause == .seconds(3))
        pace.hear(lostAfterSeconds: 20)
        #expect(pace.pause == .milliseconds(200))
        // Who is given up soon is kept in mind although others are heard.
        pace.hear(lostAfterSeconds: 300)
        #expect(pace.pause == .milliseconds(200))
    }
}
