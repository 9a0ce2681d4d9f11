import Messages

/// The study of the demo: three samples, three detector models, nine simulations, one comparison. Pure: it sends nothing.
///
/// Everything has a fixed name, and submissions are derived from the names: whatever is there already is found again.
enum DemoPlan {
    static let samples: [(name: String, energy: Int64)] = [("uds91", 91), ("uds200", 200), ("uds500", 500)]
    static let models = [
        "ILD_00_noETD_TPCEP_0.30X0_100mm_z2350mm", "ILD_00_noETD_TPCEP_0.30X0_200mm_z2350mm",
        "ILD_00_noETD_TPCEP_0.30X0_200mm_z2450mm",
    ]
    static let workflowFiles = ["generate.yaml", "simulate.yaml", "compare.yaml"]
    /// Who asks for the simulations, as in the talk.
    static let physicist = "steve"

    /// One request of the study.
    struct Request: Sendable, Equatable {
        let title: String
        /// Of whom; nil: of whoever runs the demo.
        let owner: String?
        let body: [String: JSON]
    }

    /// The bodies of the samples.
    static var sampleBodies: [[String: JSON]] {
        self.samples.map { sample in
            [
                "root_name": .text(sample.name), "process": .text("uds"), "generator": .text("Pythia"),
                "energy": .integer(sample.energy), "producer": .text("Camb_SM"), "total_events": .integer(10_000),
            ]
        }
    }

    /// In the order in which they are created: what is read first is made first.
    static var requests: [Request] {
        var requests = self.samples.enumerated().map { index, sample in
            self.request(
                "generate \(sample.name)",
                workflow: "tpc-generate",
                parameters: ["sample": .text(sample.name), "energy": .text("\(sample.energy)")],
                seed: Int64(index + 1),
                priority: 120
            )
        }
        for (index, sample) in self.samples.enumerated() {
            for model in self.models {
                requests.append(
                    self.request(
                        "simulate \(sample.name) \(self.short(model))",
                        owner: self.physicist,
                        workflow: "tpc-simulate",
                        parameters: ["sample": .text(sample.name), "model": .text(model)],
                        // The same for all models, so that they see the same fluctuations of the same events.
                        seed: Int64(101 + index),
                        priority: 100,
                        more: ["sample": .text(sample.name), "simulation": self.simulation(model)]
                    )
                )
            }
        }
        requests.append(
            self.request("compare detector models", workflow: "tpc-compare", parameters: [:], seed: 1001, priority: 100)
        )
        return requests
    }

    /// The end of a model's name, which is what differs: `100mm_z2350mm`.
    static func short(_ model: String) -> String { model.split(separator: "_").suffix(2).joined(separator: "_") }

    private static func simulation(_ model: String) -> JSON {
        .group([
            "ssw": .text("ilcsoft"), "ssw_ver": .text("v01-08-01"), "detector_model": .text(model),
            "physics_list": .text("LCPhys"),
        ])
    }

    private static func request(
        _ title: String,
        owner: String? = nil,
        workflow: String,
        parameters: [String: JSON],
        seed: Int64,
        priority: Int64,
        more: [String: JSON] = [:]
    ) -> Request {
        let body: [String: JSON] = [
            "workflow": .text(workflow), "title": .text(title), "parameters": .group(parameters),
            "seed": .integer(seed),
            "priority": .integer(priority), "submission": .text(self.submission(title)),
        ]
        return Request(title: title, owner: owner, body: body.merging(more) { $1 })
    }

    /// A UUID made from a name (RFC 9562, version 8): the same name gives the same one.
    static func submission(_ name: String) -> String {
        var bytes: [UInt8] = []
        for salt in ["millrace demo, first half: ", "millrace demo, second half: "] {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in (salt + name).utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
            bytes += stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: hash >> UInt64($0)) }
        }
        bytes[6] = bytes[6] & 0x0f | 0x80
        bytes[8] = bytes[8] & 0x3f | 0x80
        let digits = bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }
        return [0..<4, 4..<6, 6..<8, 8..<10, 10..<16].map { digits[$0].joined() }.joined(separator: "-")
    }
}
