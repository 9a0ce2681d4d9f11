import Domain

/// What the last lines of a step that failed say about why.
enum LogPatterns {
    private struct Pattern {
        var code: FailureCode
        var pattern: DiagnosticPattern
    }

    /// A line that several fit counts for the first. Only words that say the same whoever writes them.
    static let table: [(code: FailureCode, pattern: String)] = [
        (.memoryDevice, #"CUDA out of memory|CUDA_ERROR_OUT_OF_MEMORY|CL_MEM_OBJECT_ALLOCATION_FAILURE"#),
        (.memoryAllocation, #"std::bad_alloc|\bMemoryError\b|Cannot allocate memory"#),
        (.nodeDisk, #"No space left on device"#),
        (.nodeReadOnly, #"Read-only file system"#),
        (.nodeIO, #"Input/output error"#),
        (.sharedFileSystem, #"Stale (NFS )?file handle|Transport endpoint is not connected"#),
        (.openFiles, #"Too many open files"#),
        (.processes, #"fork: (retry: )?Resource temporarily unavailable"#),
        (.fileSizeLimit, #"File size limit exceeded"#),
        (.softwareLibrary, #"error while loading shared libraries|cannot open shared object file"#),
        (.softwareArchitecture, #"cannot execute binary file: Exec format error"#),
        (.payloadImport, #"\b(ModuleNotFoundError|ImportError)\b"#),
    ]

    /// - Parameter text: the end of the step's log, or the message of its report.
    /// - Returns: one failure for each code, in the order of the lines, with the line in which it was found.
    static func failures(in text: String, step: String) -> [Failure] {
        var found: [Failure] = []
        for line in text.split(whereSeparator: \.isNewline) {
            guard let known = Self.patterns.first(where: { $0.pattern.matches(String(line)) }),
                !found.contains(where: { $0.code == known.code.rawValue })
            else { continue }
            let words = Diagnostic.line(String(line), limit: 300)
            found.append(Failure(known.code, "\(words) (in step \(step))", source: .payload))
        }
        return found
    }

    private static let patterns: [Pattern] = Self.table.map { code, text in
        do {
            return Pattern(code: code, pattern: try DiagnosticPattern(text))
        } catch {
            // The table is part of the program, and every test of this type comes by here.
            preconditionFailure("the pattern \(text) is refused: \(error)")
        }
    }
}
