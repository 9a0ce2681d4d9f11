import Crypto
import Foundation
import PrivateServers

extension TestCentre {
    /// Starts a real `millrace-agent` of a site, which runs what it is given as processes.
    ///
    /// - Parameter environment: more of its environment: what a batch system would tell it.
    func startAgent(
        _ site: String,
        name: String = "real",
        environment: [String: String] = [:]
    ) async throws
        -> ServerProcess
    {
        let secret = try String(contentsOfFile: self.keyFile, encoding: .utf8)
        guard let raw = Data(base64Encoded: secret) else { throw ServerError("the signing key is not base64") }
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: raw).publicKey
        let place = "\(self.folder)/\(site)-\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let keyFile = "\(place)/signing.pub"
        try key.rawRepresentation.base64EncodedString().write(toFile: keyFile, atomically: true, encoding: .utf8)
        let yaml = """
            site: \(site)
            agent: \(name)
            amqp: \(self.broker.url)
            work: \(place)/work
            slots: 2
            storage:
              HOME-DISK: {kind: posix, base: \(self.folder)/HOME-DISK}
            output: HOME-DISK
            signingKey: \(keyFile)
            heartbeatSeconds: 1

            """
        try yaml.write(toFile: "\(place)/agent.yaml", atomically: true, encoding: .utf8)
        let command = ServerProcess.Command(
            executable: Self.binary("millrace-agent"),
            arguments: ["--config", "\(place)/agent.yaml"],
            environment: ["PATH": "/usr/bin:/bin", "HOME": place].merging(environment) { $1 },
            logFile: "\(place)/agent.log"
        )
        return try await ServerProcess.start(command)
    }
}
