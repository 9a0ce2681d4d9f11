import Postgres

/// What the Gateway reads.
enum ReadStatements {
    static var examples: [AnyStatement] {
        Listings.examples + ObjectStatements.examples + WhyStatements.examples + TotalStatements.examples
            + ReplayStatements.examples + DebugStatements.examples + MatrixStatements.examples
            + ErrorStatements.examples + EfficiencyStatements.examples + RuleUseStatements.examples
            + ProductionStatements.examples + TallyStatements.examples
    }
}
