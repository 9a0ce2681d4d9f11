import Domain
import Foundation
import Testing

/// The pages written from tables are what the tables say. `MILLRACE_WRITE_DOCS=1 swift test --filter DocumentationTests`
/// writes them anew.
@Suite struct DocumentationTests {
    @Test(arguments: [("states.md", Documentation.states), ("failure-codes.md", Documentation.failureCodes)])
    func pagesAreWhatTheTablesSay(name: String, text: String) throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/\(name)")
            .standardized
        if ProcessInfo.processInfo.environment["MILLRACE_WRITE_DOCS"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text, "write docs/\(name) anew")
    }
}
