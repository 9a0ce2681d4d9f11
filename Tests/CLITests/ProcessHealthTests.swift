import Testing

@testable import CLI

/// What `millrace status` says of a process that is not well.
@Suite struct ProcessHealthTests {
    /// As a service answered while the disk was full, with fewer checks.
    @Test func whatIsNotWellIsOneLine() {
        let publisher = #"{"name":"publisher","ok":false,"reason":"the broker takes no messages: low on disk"}"#
        func answer(_ checks: String...) -> String {
            #"{"checks":[\#(checks.joined(separator: ","))],"instance":"vm-1","ok":false,"service":"monitor","version":"0.1.0"}"#
        }
        let well = #"{"name":"database","ok":true}"#
        #expect(
            ProcessHealth.said(answer(well, publisher)) == "publisher: the broker takes no messages: low on disk"
        )
        let feed = #"{"name":"feed","ok":false}"#
        #expect(ProcessHealth.said(answer(feed, publisher, well)) == "feed: not well (and 1 more)")
        #expect(ProcessHealth.said(answer(well)) == "well")
    }

    @Test func whatIsNoReportIsToldAsItIs() {
        #expect(ProcessHealth.said("bad gateway\nnginx") == "bad gateway; nginx")
    }
}
