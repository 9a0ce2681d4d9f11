import Catalog
import Domain
@testable import Gateway
import Messages
import Postgres
import Testing

/// Datasets that people fill, and files that were there before, over HTTP.
@Suite struct RegisterRouteTests {
    private static func body(_ files: String, dataset: String = "mine") -> String {
        #"{"storage": "vault", "dataset": "\#(dataset)", "files": [\#(files)]}"#
    }

    private static let good =
        #"{"lfn": "/old/c", "bytes": 5, "adler32": "0000ABCD", "events": 3, "metadata": {"run": 7}}"#

    @Test func filesAreRegisteredInADatasetOfTheirOwn() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let make = #"{"dataset": "mine", "home": "vault", "metadata": {"quality": "good"}}"#
            #expect(try await gateway.post("/datasets", make, as: .physicist).status == 403)
            let dry = try await gateway.post("/datasets?dryRun=true", make, as: .operator)
            #expect(dry.status == 200 && dry.text.contains("\"changed\":true"), "\(dry.text)")
            #expect(try await gateway.get("/datasets/mine").status == 404)
            let made = try await gateway.post("/datasets", make, as: .operator, who: "olga")
            #expect(made.status == 200 && made.text.contains("dataset mine made"), "\(made.text)")
            #expect(try await gateway.post("/datasets", make, as: .operator).text.contains("\"changed\":false"))
            #expect(try await gateway.post("/datasets", #"{"dataset": "a b"}"#, as: .operator).status == 400)
            #expect(try await gateway.post("/datasets", #"{"name": "x"}"#, as: .operator).status == 400)

            #expect(try await gateway.post("/files/register", Self.body(Self.good), as: .physicist).status == 403)
            let trial = try await gateway.post("/files/register?dryRun=true", Self.body(Self.good), as: .operator)
            #expect(trial.status == 200 && trial.text.contains("1 files of dataset mine are to be verified at vault"))
            #expect(try await gateway.get("/registrations?dataset=mine").items.isEmpty)
            let registered = try await gateway.post(
                "/files/register",
                Self.body(Self.good),
                as: .operator,
                who: "olga"
            )
            #expect(registered.status == 200, "\(registered.text)")
            #expect(try registered.json["result"]?["queued"]?.integer == 1)
            let rows = try await gateway.get("/registrations?dataset=mine&state=queued").items
            #expect(rows.count == 1 && rows.first?["lfn"]?.text == "/old/c" && rows.first?["who"]?.text == "olga")
            #expect(rows.first?["adler32"]?.text == "0000abcd")
            let again = try await gateway.post("/files/register", Self.body(Self.good), as: .operator)
            #expect(again.text.contains("\"changed\":false") && again.text.contains("\"known\":1"), "\(again.text)")
            // The dataset says what it waits for, and does not close.
            let shown = try await gateway.get("/datasets/mine").json
            #expect(shown["registrations"]?["waiting"]?.integer == 1 && shown["files"]?.integer == 0)
            let closed = try await gateway.post("/datasets/mine/close", "{}", as: .operator)
            #expect(closed.status == 409 && closed.error.contains("1 files that were registered"), "\(closed.text)")
            let number = try #require(rows.first?["registration"]?.integer)
            let log = try await gateway.get("/transitions?kind=registration&entity=registration:\(number)").items
            #expect(log.compactMap { $0["who"]?.text } == ["olga"])
        }
    }

    @Test func everyWrongFileIsToldWithItsPlace() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func register(_ files: String, dataset: String = "brought") async throws -> Answer {
                try await gateway.post("/files/register", Self.body(files, dataset: dataset), as: .operator)
            }
            func problems(_ answer: Answer) throws -> [String] {
                try answer.json["problems"]?.list.map {
                    "\($0["item"]?.integer ?? -1) \($0["field"]?.text ?? ""): \($0["text"]?.text ?? "")"
                } ?? []
            }
            let wrong = try await register("\(Self.good), {\"lfn\": \"old\", \"bytes\": 0, \"events\": 1}")
            #expect(wrong.status == 400)
            #expect(
                try problems(wrong) == [
                    "1 lfn: old does not begin with a slash", "1 bytes: is 0: a file has one byte or more",
                    "1 adler32: is missing, and so is crc32c: give one of them, or have what is stored measured",
                ]
            )
            let other = #"{"lfn": "/old/a.slcio", "bytes": 6, "adler32": "0000abcd", "events": 10}"#
            let conflict = try await register("\(Self.good), \(other)")
            #expect(conflict.status == 409)
            #expect(try problems(conflict) == ["1 bytes: is 6; this name was registered with 5 (/old/a.slcio)"])
            let ours = #"{"lfn": "/1/merge/merged/x", "bytes": 5000, "adler32": "0000abcd", "events": 1000}"#
            #expect(try await register(ours).status == 200)
            let jobs =
                #"{"lfn": "/1/simulate/events/0/1.0.1.slcio", "bytes": 1000, "adler32": "0000abcd", "events": 500}"#
            #expect(try await register(jobs).error.contains("a name that jobs give their files"))
            #expect(try await register(#"{"lfn": "/a", "size": 5}"#).error.contains("files[0].size is not known"))
            #expect(
                try await register(#"{"lfn": "/a", "bytes": "5"}"#).error.contains(
                    "files[0].bytes must be a whole number"
                )
            )
            #expect(try await register("5").error.contains("files[0] is not a JSON object"))
            #expect(try await register("").status == 400)
            #expect(try await register(Self.good, dataset: "1.merge.merged").error.contains("is filled by task 2"))
            #expect(try await register(Self.good, dataset: "none").status == 404)
            let many = (0...1000).map { #"{"lfn": "/m/\#($0)", "bytes": 1, "adler32": "00000001", "events": 1}"# }
            #expect(try await register(many.joined(separator: ",")).error.contains("1 to 1000 at once, not 1001"))
            // Nothing of a refused list is there.
            let listed = try await gateway.get("/registrations").items.compactMap { $0["lfn"]?.text }
            #expect(listed == ["/old/a.slcio", "/old/b.slcio", "/1/merge/merged/x"])
        }
    }

    @Test func filesOfTheCatalogueArePutIntoADataset() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let lfn = "/1/simulate/events/0/1.0.1.slcio"
            let path = "/datasets/brought/add"
            #expect(try await gateway.post(path, "{\"files\": [\"\(lfn)\"]}", as: .physicist).status == 403)
            let added = try await gateway.post(path, "{\"files\": [\"\(lfn)\"]}", as: .operator, who: "olga")
            #expect(added.status == 200 && added.text.contains("1 files put into dataset brought"), "\(added.text)")
            #expect(try await gateway.get("/datasets/brought/files").items.compactMap { $0["lfn"]?.text } == [lfn])
            let again = try await gateway.post(path, "{\"files\": [\"\(lfn)\"]}", as: .operator)
            #expect(again.text.contains("\"changed\":false"))
            let missing = try await gateway.post(path, "{\"files\": [\"\(lfn)\", \"/none\"]}", as: .operator)
            #expect(missing.status == 409 && missing.error.contains("/none is not in the catalogue"), "\(missing.text)")
            #expect(try missing.json["problems"]?.list.first?["item"]?.integer == 1)
            #expect(try await gateway.post("/datasets/none/add", "{\"files\": [\"/a\"]}", as: .operator).status == 404)
            #expect(try await gateway.post(path, "{\"files\": []}", as: .operator).status == 400)
            let changes = try await gateway.get("/metadata-changes?subject=dataset:brought").items
            #expect(changes.compactMap { $0["who"]?.text } == ["olga"])
        }
    }
}
