package import Postgres

/// Every statement of the catalogue, for the test that prepares each one and compares its types with the server's.
package enum CatalogStatements {
    package static var all: [AnyStatement] {
        OutboxStatements.examples + LeasingStatements.examples + ReportStatements.examples + SessionStatements.examples
            + AcceptStatements.examples + LateStatements.examples + ShareStatements.examples + CloneStatements.examples
            + ContinuingStatements.examples + DerivedStatements.examples
            + BrakeStatements.examples
            + FailureFactStatements.examples
            + FeedingStatements.examples + DataStatements.examples + ExtendStatements.examples
            + SuspicionStatements.examples
            + ScoutStatements.examples + VerdictStatements.examples
            + SplitStatements.examples + AvoidedPlaceStatements.examples
            + FeedStatements.examples
            + InstanceStatements.examples
            + RequestStatements.examples + ExpansionStatements.examples + SettlingStatements.examples
            + TransferStatements.examples + ReadStatements.examples + OperatingStatements.examples + Doctor.examples
            + TaskControlStatements.examples + BenchStatements.examples + SeedStatements.examples
            + RecoveryStatements.examples + RebuildStatements.examples + AuditStatements.examples
            + ArchiveStatements.examples + CleanupStatements.examples + LineageStatements.examples
            + GrowthStatements.examples
            + BooksBenchStatements.examples + MetadataStatements.examples + MetadataBenchStatements.examples
            + RegistrationStatements.examples + RegisteringStatements.examples + DatasetStatements.examples
    }
}
