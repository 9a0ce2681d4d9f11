import Glibc

/// Where the programs of the newest installed PostgreSQL are.
struct PostgresBinaries {
    let initdb: String
    let postgres: String

    /// - Throws: ``ServerError`` that says what to install.
    static func find() throws -> PostgresBinaries {
        let versions = PrivateFiles.list("/usr/lib/postgresql").compactMap { Int($0) }.sorted(by: >)
        let path = getenv("PATH").map { String(cString: $0).split(separator: ":").map(String.init) } ?? []
        for folder in versions.map({ "/usr/lib/postgresql/\($0)/bin" }) + path {
            let found = PostgresBinaries(initdb: "\(folder)/initdb", postgres: "\(folder)/postgres")
            if access(found.initdb, X_OK) == 0 && access(found.postgres, X_OK) == 0 { return found }
        }
        throw ServerError("no PostgreSQL server is installed: apt-get install postgresql")
    }
}

/// Who the server runs as: PostgreSQL refuses to run as root.
struct PostgresAccount {
    /// nil: as ourselves.
    let user: (uid: UInt32, gid: UInt32)?

    static func current() throws -> PostgresAccount {
        guard geteuid() == 0 else { return PostgresAccount(user: nil) }
        guard let entry = getpwnam("postgres") else {
            throw ServerError("no user postgres for the private PostgreSQL: apt-get install postgresql")
        }
        return PostgresAccount(user: (entry.pointee.pw_uid, entry.pointee.pw_gid))
    }

    /// Makes the directory, private to the account, and checks that the account can reach it.
    func prepare(directory: String) throws {
        try PrivateFiles.makeReachableFolder(directory)
        guard chmod(directory, 0o700) == 0 else {
            throw ServerError("cannot make \(directory) private: \(PrivateFiles.reason())")
        }
        try self.own(directory)
        guard let user = self.user else { return }
        var parent = try PrivateFiles.absolute(directory)
        while let slash = parent.lastIndex(of: "/"), slash > parent.startIndex {
            parent = String(parent[..<slash])
            var status = stat()
            guard stat(parent, &status) == 0 else {
                throw ServerError("cannot look at \(parent): \(PrivateFiles.reason())")
            }
            let needed: UInt32 =
                status.st_uid == user.uid ? 0o100 : status.st_gid == user.gid ? 0o010 : 0o001
            guard status.st_mode & needed != 0 else {
                throw ServerError(
                    "the user postgres cannot enter \(parent): chmod o+x it, or choose another state directory"
                )
            }
        }
    }

    func own(_ path: String) throws {
        guard let user = self.user else { return }
        guard chown(path, user.uid, user.gid) == 0 else {
            throw ServerError("cannot give \(path) to the user postgres: \(PrivateFiles.reason())")
        }
    }
}
