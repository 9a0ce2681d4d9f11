/// The files in the binary.
enum Assets {
    struct File: Sendable {
        let path: String
        let type: String
        let bytes: [UInt8]
    }

    static let files: [File] = [
        File(path: "/", type: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        File(path: "/assets/millrace.css", type: "text/css; charset=utf-8", bytes: PackageResources.millrace_css),
        File(path: "/assets/millrace.js", type: "text/javascript; charset=utf-8", bytes: PackageResources.millrace_js),
        File(path: "/assets/chart.js", type: "text/javascript; charset=utf-8", bytes: PackageResources.chart_js),
        File(path: "/assets/icon.svg", type: "image/svg+xml", bytes: PackageResources.icon_svg),
    ]

    /// The description of the API, OpenAPI 3.1.
    static let openAPI = String(decoding: PackageResources.openapi_json, as: UTF8.self)
}
