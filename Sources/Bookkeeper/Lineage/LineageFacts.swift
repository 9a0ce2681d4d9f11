/// What the catalogue says of one attempt that has ended, for its lineage. Times are texts of RFC 3339, as the catalogue writes them.
struct LineageFacts: Codable, Sendable, Hashable {
    struct Input: Codable, Sendable, Hashable {
        /// Of the dataset, or of a file that is in none.
        let dataset: String
        let version: String?
        let files: Int64
        let bytes: Int64
        let events: Int64
    }

    struct Output: Codable, Sendable, Hashable {
        let dataset: String
        let version: String?
        let stream: String
        let files: Int64
        let bytes: Int64
        let events: Int64
        let lfn: String?
        let adler32: String?
    }

    let task: Int64
    let index: Int64
    let attempt: Int
    /// `done`, `failed` or `lost`.
    let state: String
    let at: String
    let started: String
    let ended: String?
    let site: String
    let node: String?
    let code: Int?
    let diagnostic: String?
    let request: Int64
    /// The UUID under which the request was made: the same in every export of it.
    let submission: String
    let workflow: String
    let workflowVersion: Int
    let name: String
    let kind: String
    let inputs: [Input]
    let outputs: [Output]
}
