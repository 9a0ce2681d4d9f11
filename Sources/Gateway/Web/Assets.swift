/// The files in the binary.
enum Assets {
    struct File: Sendable {
        let path: String
        let type: String
        let bytes: [UInt8]

        /// Something people open, with their token in the address the first time.
        var isPage: Bool { self.type.hasPrefix("text/html") }
    }

    static let files: [File] =
        Self.pages + Self.scripts
        + [
            Self.style("millrace", PackageResources.millrace_css), Self.style("desk", PackageResources.desk_css),
            File(path: "/assets/icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg),
        ]

    private static let pages = [
        Self.page("/", PackageResources.index_html), Self.page("/requests", PackageResources.requests_html),
        Self.page("/failures", PackageResources.failures_html), Self.page("/rules", PackageResources.rules_html),
    ]

    private static let scripts = [
        // What all pages share.
        Self.script("api", PackageResources.api_js), Self.script("dom", PackageResources.dom_js),
        Self.script("pieces", PackageResources.pieces_js), Self.script("shell", PackageResources.shell_js),
        Self.script("words", PackageResources.words_js),
        // The live page.
        Self.script("live", PackageResources.live_js), Self.script("chart", PackageResources.chart_js),
        // The page of requests.
        Self.script("requests", PackageResources.requests_js), Self.script("actions", PackageResources.actions_js),
        Self.script("progress", PackageResources.progress_js),
        Self.script("requestdetail", PackageResources.requestdetail_js),
        Self.script("taskdetail", PackageResources.taskdetail_js),
        // The page of failures.
        Self.script("failures", PackageResources.failures_js), Self.script("errors", PackageResources.errors_js),
        Self.script("matrix", PackageResources.matrix_js), Self.script("debug", PackageResources.debug_js),
        Self.script("why", PackageResources.why_js),
        // The page of rules.
        Self.script("rules", PackageResources.rules_js), Self.script("ruledetail", PackageResources.ruledetail_js),
        Self.script("ruleform", PackageResources.ruleform_js), Self.script("ruletest", PackageResources.ruletest_js),
        Self.script("rulewords", PackageResources.rulewords_js),
    ]

    private static func page(_ path: String, _ bytes: [UInt8]) -> File {
        File(path: path, type: "text/html; charset=utf-8", bytes: bytes)
    }

    private static func script(_ name: String, _ bytes: [UInt8]) -> File {
        File(path: "/assets/\(name).js", type: "text/javascript; charset=utf-8", bytes: bytes)
    }

    private static func style(_ name: String, _ bytes: [UInt8]) -> File {
        File(path: "/assets/\(name).css", type: "text/css; charset=utf-8", bytes: bytes)
    }

    /// The description of the API, OpenAPI 3.1.
    static let openAPI = String(decoding: PackageResources.openapi_json, as: UTF8.self)
}
