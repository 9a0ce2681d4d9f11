import Catalog
import Testing

/// Whether `body` is refused in this way, with these words in what it says.
func expectRefusal(
    _ words: String,
    _ kind: CatalogRefusal.Kind = .state,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () async throws -> Outcome
) async {
    do {
        let outcome = try await body()
        Issue.record("not refused: \(outcome.lines)", sourceLocation: sourceLocation)
    } catch {
        let refusal = error as? CatalogRefusal
        #expect(
            refusal?.kind == kind && refusal?.description.contains(words) == true,
            "\(error)",
            sourceLocation: sourceLocation
        )
    }
}
