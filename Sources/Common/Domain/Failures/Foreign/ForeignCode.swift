/// A code of another system and what it means here.
package struct ForeignCode: Sendable, Hashable {
    package let number: Int
    /// What the other system calls it, or what we call it when it has no name there.
    package let name: String
    package let code: FailureCode

    init(_ number: Int, _ name: String, _ code: FailureCode) {
        self.number = number
        self.name = name
        self.code = code
    }
}

/// The tables of other systems' codes.
package enum ForeignCodes {
    static let pandaAll = (Self.panda + Self.pandaFormer).sorted { $0.number < $1.number }
}

/// A system whose wrappers a site may go on using.
package enum ForeignSystem: String, Sendable, CaseIterable, Codable {
    /// The pilot of PanDA.
    case panda
    /// Harvester, between PanDA and batch systems.
    case harvester
    /// WMAgent and CRAB, with CMSSW as payload.
    case cms

    /// In the order of the numbers.
    package var table: [ForeignCode] {
        switch self {
        case .panda: ForeignCodes.pandaAll
        case .harvester: ForeignCodes.harvester
        case .cms: ForeignCodes.cms
        }
    }

    /// Our code for one of theirs; nil for a number that is not in their table.
    package func failureCode(_ number: Int) -> FailureCode? { Self.tables[self]?[number]?.code }

    /// Their name of a number; nil for a number that is not in their table.
    package func name(_ number: Int) -> String? { Self.tables[self]?[number]?.name }

    /// What a process status may have been before it lost all but its lowest eight bits: 50513 comes out as 81. A
    /// hint only, for an attempt whose report is lost: several codes have the same remainder. In the order of their
    /// numbers; empty for a status outside 1 ... 255, and for systems whose codes are never statuses.
    package func truncated(_ status: Int) -> [ForeignCode] {
        guard self == .cms, (1...255).contains(status) else { return [] }
        return self.table.filter { $0.number & 0xFF == status }.sorted { $0.number < $1.number }
    }

    private static let tables: [ForeignSystem: [Int: ForeignCode]] = Dictionary(
        uniqueKeysWithValues: ForeignSystem.allCases.map { system in
            (system, Dictionary(system.table.map { ($0.number, $0) }, uniquingKeysWith: { first, _ in first }))
        }
    )
}
