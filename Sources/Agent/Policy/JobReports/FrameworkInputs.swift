/// Gathers the `InputFile` elements of a job report of CMS: which files its source read, and how many events of each. Files of other sources,
/// such as those that are mixed in, are left out.
struct FrameworkInputs {
    private static let textLimit = 4096

    private var found: [ForeignRead] = []
    private var isBroken = false
    private var texts: [String: String] = [:]

    /// Nil: something in them is not as CMSSW writes it, so that it would not be all.
    var reads: [ForeignRead]? { self.isBroken ? nil : self.found }

    /// - Parameter path: the elements that are open, the one that has begun the last.
    mutating func start(_ path: [String]) {
        if path.last == "InputFile" { self.texts = [:] }
    }

    mutating func text(_ text: String, _ path: [String]) {
        guard path.count >= 2, path[path.count - 2] == "InputFile", let name = path.last,
            ["LFN", "PFN", "InputType", "EventsRead"].contains(name)
        else { return }
        let sum = (self.texts[name] ?? "") + text
        if sum.utf8.count > Self.textLimit { self.isBroken = true } else { self.texts[name] = sum }
    }

    /// - Parameter path: the elements that are open, the one that ends the last.
    mutating func end(_ path: [String]) {
        guard path.last == "InputFile" else { return }
        func word(_ name: String) -> String {
            let text = (self.texts[name] ?? "").drop(while: \.isWhitespace)
            let end = text.lastIndex { !$0.isWhitespace }
            return end.map { String(text[...$0]) } ?? ""
        }
        guard ["", "primaryFiles"].contains(word("InputType")) else { return }
        guard let events = Int64(word("EventsRead")), events >= 0, self.found.count < StepReport.rangeLimit else {
            self.isBroken = true
            return
        }
        self.found.append(ForeignRead(name: word("LFN"), path: word("PFN"), events: events))
    }
}
