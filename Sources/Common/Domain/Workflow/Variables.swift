/// The variables a job gives to its commands; the agent fills them in on the node.
package enum JobVariable: String, Sendable, CaseIterable {
    case request
    case task
    case index
    case attempt
    case seed
    /// How many events this job makes or reads.
    case events
    /// Where in the task (without inputs) or in the input file (with one) they begin, from 0.
    case first_event
    /// The local path of the only input.
    case input
    /// The local paths of all inputs; an argument that is just this becomes one argument for each.
    case inputs
}

/// Text with `${name}` in it.
package enum Variables {
    /// The names used in `text`, in order.
    package static func names(in text: String) -> [String] {
        var names: [String] = []
        _ = Self.replace(in: text) { name in
            names.append(name)
            return ""
        }
        return names
    }

    /// Replaces each `${name}` by what `value` says; one it returns nil for stays as it is. `$$` is a dollar sign.
    package static func replace(in text: String, with value: (String) -> String?) -> String {
        var result = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            let after = rest.index(after: dollar)
            guard after < rest.endIndex else {
                result += "$"
                return result
            }
            if rest[after] == "{", let close = rest[after...].firstIndex(of: "}") {
                let name = String(rest[rest.index(after: after)..<close])
                result += value(name) ?? "${\(name)}"
                rest = rest[rest.index(after: close)...]
            } else if rest[after] == "$" {
                result += "$"
                rest = rest[rest.index(after: after)...]
            } else {
                result += "$"
                rest = rest[after...]
            }
        }
        return result + rest
    }
}
