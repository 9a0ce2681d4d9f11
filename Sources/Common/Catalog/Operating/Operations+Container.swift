import Domain
import Postgres

/// Sets of datasets: what people collect to be read together.
extension Operations {
    /// The same again by its owner changes nothing.
    package func createContainer(_ name: String) async throws -> Outcome {
        try self.caller.need(.physicist, to: "make a container")
        return try await self.change { transaction in
            let made = try await transaction.execute(ContainerStatements.insert(name, owner: self.caller.who)) == 1
            let (_, _, owner) = try await self.lock(container: name, in: transaction)
            guard made || owner == self.caller.who else {
                throw CatalogRefusal(.state, "container \(name) exists already: it is \(owner)'s")
            }
            if made { try await self.note("container:\(name)", .added, [:], in: transaction) }
            return Outcome(
                changed: made,
                lines: [made ? "container \(name) made" : "container \(name) is there already"],
                result: try await self.row(of: name, in: transaction)
            )
        }
    }

    /// Puts datasets into a container. Those that are in it stay.
    package func add(_ datasets: [String], to container: String) async throws -> Outcome {
        try await self.changeMembers(of: container, datasets, word: "added") { id in
            ContainerStatements.add(datasets, to: id)
        }
    }

    package func remove(_ datasets: [String], from container: String) async throws -> Outcome {
        try await self.changeMembers(of: container, datasets, word: "taken out") { id in
            ContainerStatements.remove(datasets, from: id)
        }
    }

    private func changeMembers(
        of container: String,
        _ datasets: [String],
        word: String,
        _ statement: @escaping @Sendable (Int64) -> SQL
    ) async throws -> Outcome {
        try self.caller.need(.physicist, to: "change a container")
        guard (1...1000).contains(datasets.count) else {
            throw CatalogRefusal(.invalid, "datasets: name 1 to 1000 of them, not \(datasets.count)")
        }
        return try await self.change { transaction in
            let id = try await self.own(container, in: transaction)
            let known = Set(try await transaction.query(OperatingStatements.datasets(datasets)))
            if let missing = datasets.first(where: { !known.contains($0) }) {
                throw CatalogRefusal(.missing, "there is no dataset \(Quoted.short(missing))")
            }
            let changed = try await transaction.execute(statement(id))
            if changed > 0 {
                let detail = [word: datasets.joined(separator: " ")]
                try await self.note("container:\(container)", .changed, detail, in: transaction)
            }
            return Outcome(
                changed: changed > 0,
                lines: ["container \(container): \(changed) datasets \(word)"],
                result: try await self.row(of: container, in: transaction)
            )
        }
    }

    /// Its datasets never change again. One without datasets stays open.
    package func close(container: String) async throws -> Outcome {
        try self.caller.need(.physicist, to: "close a container")
        return try await self.change { transaction in
            let id = try await self.own(container, in: transaction)
            // Locked: nobody empties it meanwhile. What reads it begins when its datasets are closed, and would wait for ever for none.
            guard try await transaction.query(ContainerStatements.sizes([container])).first?.1 ?? 0 > 0 else {
                throw CatalogRefusal(
                    .state,
                    "container \(container) has no dataset, and a closed one never gets any: first millrace container add \(container) DATASET"
                )
            }
            try await transaction.execute(ContainerStatements.close(id))
            try await self.note("container:\(container)", .closed, [:], in: transaction)
            return Outcome(
                lines: ["container \(container) is closed: its datasets will never change again"],
                result: try await self.row(of: container, in: transaction)
            )
        }
    }

    // MARK: Steps

    private func lock(
        container name: String,
        in transaction: PostgresTransaction
    ) async throws -> (Int64, String, String) {
        guard let row = try await transaction.query(ContainerStatements.lock(name)).first else {
            throw CatalogRefusal(
                .missing,
                "there is no container \(Quoted.short(name)); millrace container create makes one"
            )
        }
        return row
    }

    /// An open container that the caller may change, locked.
    private func own(_ name: String, in transaction: PostgresTransaction) async throws -> Int64 {
        let (id, state, owner) = try await self.lock(container: name, in: transaction)
        guard owner == self.caller.who || self.caller.role >= .operator else {
            throw CatalogRefusal(.permission, "container \(name) is \(owner)'s: only they or an operator may change it")
        }
        guard state == "open" else { throw CatalogRefusal(.state, "container \(name) is closed: it cannot change") }
        return id
    }

    private func row(of name: String, in transaction: PostgresTransaction) async throws -> String {
        try await self.object(ContainerStatements.container(name), in: transaction, "container \(name)")
    }
}
