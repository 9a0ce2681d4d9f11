import Glibc

struct LinkError: Error { let code: Int32 }

func makeLink(_ path: String, to target: String) throws {
    guard symlink(target, path) == 0 else { throw LinkError(code: errno) }
}

extension String {
    func components(_ separator: String) -> [Substring] {
        self.split(separator: separator, omittingEmptySubsequences: false)
    }
}
