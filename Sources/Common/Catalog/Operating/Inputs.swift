import Domain

/// A row of the generator table, as an HTTP body has it.
package struct NewSample: Sendable, Hashable, Codable {
    package var rootName: String
    package var process: String
    package var generator: String
    /// GeV, centre of mass.
    package var energy: Double
    package var luminosity: Double = 0
    package var crossSection: Double = 0
    package var polEp: Double = 0
    package var polEm: Double = 0
    package var producer: String
    package var cut: String?
    package var totalEvents: Int64

    package init(
        rootName: String,
        process: String,
        generator: String,
        energy: Double,
        producer: String,
        cut: String? = nil,
        totalEvents: Int64
    ) {
        self.rootName = rootName
        self.process = process
        self.generator = generator
        self.energy = energy
        self.producer = producer
        self.cut = cut
        self.totalEvents = totalEvents
    }
}

/// What simulates: software, its version, the detector and the physics list.
package struct NewSimulation: Sendable, Hashable, Codable {
    package var ssw: String
    package var sswVersion: String
    package var detectorModel: String
    package var physicsList: String

    package init(ssw: String, sswVersion: String, detectorModel: String, physicsList: String) {
        self.ssw = ssw
        self.sswVersion = sswVersion
        self.detectorModel = detectorModel
        self.physicsList = physicsList
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case ssw
        case sswVersion = "ssw_ver"
        case detectorModel = "detector_model"
        case physicsList = "physics_list"
    }
}

/// A request for a workflow to be run.
package struct NewRequest: Sendable {
    package var workflow: String
    /// Nil: the latest.
    package var workflowVersion: Int?
    package var title: String
    package var parameters: [String: String]
    /// Nil: drawn.
    package var seed: Int64?
    package var group: String
    package var priority: Int
    /// Whose part of the capacity it counts for; nil: no share's.
    package var share: String?
    /// The request it is made after; nil: none.
    package var origin: Int64?
    /// The request that it goes on with; nil: none.
    package var continues: Int64?
    /// The root name of a sample.
    package var sample: String?
    package var simulation: NewSimulation?
    /// The same twice makes one request; nil: a new one.
    package var submission: String?

    package init(
        workflow: String,
        workflowVersion: Int? = nil,
        title: String = "",
        parameters: [String: String] = [:],
        seed: Int64? = nil,
        group: String = "production",
        priority: Int = 100,
        share: String? = nil,
        origin: Int64? = nil,
        sample: String? = nil,
        simulation: NewSimulation? = nil,
        submission: String? = nil
    ) {
        self.workflow = workflow
        self.workflowVersion = workflowVersion
        self.title = title
        self.parameters = parameters
        self.seed = seed
        self.group = group
        self.priority = priority
        self.share = share
        self.origin = origin
        self.sample = sample
        self.simulation = simulation
        self.submission = submission
    }
}
