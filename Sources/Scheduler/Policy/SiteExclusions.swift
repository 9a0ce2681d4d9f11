import Domain

/// Jobs that keep away from the sites they failed at, when nobody else can have them: pure.
///
/// A verdict sends a job elsewhere if there are other sites. Whether one of them fits it is known here alone, and may change while it waits:
/// a task may name its site, its input may lie at one, the others may be drained. Tried again where it failed it may fail again, and its
/// rule has a limit; kept away for ever it would never end.
enum SiteExclusions {
    /// Jobs of a class that keep away from sites.
    struct Kept: Hashable {
        let `class`: Int32
        let sites: [String]
    }

    /// Those that no agent may have but at the sites they keep away from.
    ///
    /// - Parameters:
    ///   - classes: what each class needs; jobs of an unknown one are left alone.
    ///   - offers: what agents offer that may get jobs.
    static func hopeless(
        _ kept: [Kept],
        _ classes: [Int32: Requirement],
        _ offers: [(site: String, capacity: Capacity)]
    ) -> [Kept] {
        kept.filter { one in
            guard let need = classes[one.class] else { return false }
            let fitting = Set(offers.filter { need.misfit(site: $0.site, capacity: $0.capacity) == nil }.map(\.site))
            return !fitting.isEmpty && fitting.isSubset(of: one.sites)
        }
    }
}
