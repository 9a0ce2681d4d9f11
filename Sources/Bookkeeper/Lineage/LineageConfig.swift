import Domain
import ServiceKit

/// What a file may set under `bookkeeper.lineage:`. Without it nothing is exported.
struct LineageConfig: Sendable, Hashable {
    enum Target: Sendable, Hashable {
        /// Run events are appended to this file, one a line.
        case file(String)
        /// Each run event is posted there.
        case url(String, tokenFile: String?)
    }

    let target: Target
    /// Of jobs and datasets: one for each installation.
    let namespace: String
    /// How often the log is looked at.
    let every: Duration
    /// How long an endpoint may take to answer.
    let timeout: Duration
    /// The first and the longest wait after an endpoint did not take an event.
    let pause: Duration
    let longestPause: Duration

    static let shape: DocumentShape = .keys(
        [
            "file": .scalar, "url": .scalar, "tokenFile": .scalar, "namespace": .scalar, "every": .scalar,
            "timeout": .scalar, "pause": .scalar, "longestPause": .scalar,
        ],
        required: []
    )

    /// - Returns: nil when the section is not there.
    init?(_ values: ConfigurationValues) throws {
        guard !values.keys.isEmpty else { return nil }
        let (file, url) = (try values.optionalString("file"), try values.optionalString("url"))
        let token = try values.optionalString("tokenFile")
        switch (file, url) {
        case (let file?, nil):
            guard file.hasPrefix("/") else { throw values.error("file", "must be an absolute path, not \(file)") }
            guard token == nil else {
                throw values.error("tokenFile", "is for an url, not for a file: remove one of them")
            }
            self.target = .file(file)
        case (nil, let url?):
            guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
                throw values.error("url", "must begin with http:// or https://, not \(url)")
            }
            self.target = .url(url, tokenFile: token)
        case (nil, nil): throw values.error("file", "is missing: lineage needs a file or an url")
        case (.some, .some): throw values.error("url", "is given with a file: remove one of them")
        }
        self.namespace = try values.string("namespace", default: "millrace")
        self.every = try values.duration("every", default: .seconds(5))
        self.timeout = try values.duration("timeout", default: .seconds(10))
        self.pause = try values.duration("pause", default: .seconds(1))
        self.longestPause = try values.duration("longestPause", default: .seconds(300))
    }
}
