import ArgumentParser
import AsyncHTTPClient
import Catalog
import Domain
import Farm
import Foundation
import Messages
import NIOCore
import NIOHTTP1
import Postgres
import ServiceKit

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show each process of the farm in MILLRACE_STATE; exit status 1 if anything is not well."
    )
    @Flag(help: "Print an array of objects, one per process.") var json = false

    mutating func run() async throws {
        guard let record = try Farm.status(state: LocalFarm.state) else {
            throw CommandFailure(.failed, "no farm runs in \(LocalFarm.state): start one with millrace up")
        }
        let instances = await Self.instances()
        var rows: [ProcessHealth] = []
        for row in record.table.rows {
            rows.append(await Self.health(row, adminPort: record.ports[row.name], instances: instances))
        }
        if self.json {
            try Output.json(.list(rows.map(\.json)))
        } else {
            Output.line("farm in \(record.state), \(record.url)")
            Output.lines(Table(ProcessHealth.columns, rows: rows.map(\.json)).lines())
        }
        let unwell = rows.filter { !$0.isWell }.map(\.name)
        guard unwell.isEmpty else {
            throw CommandFailure(
                .failed,
                "not well: \(unwell.joined(separator: ", ")); their logs are in \(record.state)/logs"
            )
        }
    }

    /// The last trouble of each service by its own account; empty if the catalogue does not answer: its row says so then.
    private static func instances() async -> [Int32: String] {
        do {
            let rows = try await LocalCatalog.with(LocalFarm.databaseURL()) {
                try await $0.query(InstanceStatements.all)
            }
            return rows.reduce(into: [:]) { found, row in found[row.3] = row.9 }
        } catch {
            return [:]
        }
    }

    private static func health(
        _ row: ProcessTable.Row,
        adminPort: Int?,
        instances: [Int32: String]
    ) async -> ProcessHealth {
        let pid = row.processes.first?.pid
        let isServer = row.name == "postgres" || row.name == "rabbitmq"
        let answer: (ready: Bool, text: String)? = isServer || row.state != .ready ? nil : await Self.ask(adminPort)
        let last = row.lastExit.map { "ended before with \($0)" }
        return ProcessHealth(
            name: row.name,
            state: row.state.rawValue,
            since: Timestamp(secondsSince1970: row.since.timeIntervalSince1970).description,
            restarts: row.restarts,
            pid: pid,
            isProgressing: answer?.ready,
            trouble: row.problem ?? (answer?.ready == false ? answer?.text : nil) ?? pid.flatMap { instances[$0] }
                ?? last
        )
    }

    /// What `/readyz` of an admin port says.
    private static func ask(_ port: Int?) async -> (ready: Bool, text: String) {
        do {
            let request = HTTPClientRequest(url: "http://127.0.0.1:\(port ?? 0)/readyz")
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
            let text = String(buffer: try await response.body.collect(upTo: 1 << 16))
            return (response.status == .ok, ProcessHealth.said(text))
        } catch {
            return (false, "its admin port does not answer: \(error)")
        }
    }
}
