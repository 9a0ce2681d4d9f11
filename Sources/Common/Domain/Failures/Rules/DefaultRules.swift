extension RuleSet {
    /// The rules a new catalogue starts with. Failures of sites, networks and infrastructure are tried again and
    /// never use up a job's attempts; those of payloads are tried again until the task's `max_attempts`. What is
    /// cured by trying again, what by another place, by more memory or time, and what by nothing, is taken from what
    /// PanDA, Harvester, WMAgent and CRAB do and from what their operators wished they did.
    package static let defaults = RuleSet(
        blame: RuleSet.defaultBlame,
        action: RuleSet.defaultDecided + RuleSet.defaultLimits + RuleSet.defaultPlaces + RuleSet.defaultData
            + RuleSet.defaultRest
    )
}
