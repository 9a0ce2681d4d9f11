import Catalog
import Domain
@testable import Gateway
import Messages
import Testing

/// What people say of files and how they find them, over HTTP.
@Suite struct MetadataRouteTests {
    private func query(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let digits = Array("0123456789ABCDEF")
            result += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
        }
    }

    @Test func aQueryFindsPagesAndSums() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let text = self.query("run = 3 and quality = 'good' and not lost")
            var names: [String] = []
            var next: String?
            repeat {
                let after = next.map { "&after=\(self.query($0))" } ?? ""
                let page = try await gateway.get("/files?where=\(text)&limit=30\(after)")
                #expect(page.status == 200, "\(page.text.prefix(300))")
                names += try page.items.compactMap { $0["lfn"]?.text }
                next = try page.json["next"]?.text
                let search = try page.json["search"]
                #expect(search?["indexed"]?.list.count == 2 && search?["unindexed"]?.list.count == 1)
                #expect(search?["advice"]?.text == nil)
            } while next != nil && names.count <= 100
            #expect(names.count == 100 && Set(names).count == 100 && names == names.sorted())
            let count = try await gateway.get("/files/count?where=\(text)").json
            #expect(count["files"]?.integer == 100 && count["events"]?.integer == 50_000)
            #expect(count["bytes"]?.integer == (300..<400).reduce(0) { $0 + 1000 + Int64($1) })
            // As the libraries of many languages write spaces; a plus is %2B.
            let form = text.replacing("%20", with: "+")
            #expect(form.contains("+"))
            #expect(try await gateway.get("/files/count?where=\(form)").json["files"]?.integer == 100)
            #expect(try await gateway.get("/files?where=lfn+=+'a%2Bb'").status == 200)
            let slow = try await gateway.get("/files?where=\(self.query("bytes > 4kB"))").json
            #expect(slow["items"]?.list.count == 1)
            #expect(slow["search"]?["advice"]?.text?.contains("no index for bytes > 4000") == true)
            let plain = try await gateway.get("/files?prefix=/1/merge/")
            #expect(try plain.items.count == 1 && plain.json["search"] == nil)
        }
    }

    @Test func aWrongQueryIsOneClearLine() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let cases = [
                ("rum = 1", "at character 1: there is no field rum; did you mean run?"),
                ("run = 'x'", "at character 7: run is a whole number"),
                ("run = 1 and (lost", "expected and, or, or the )"),
            ]
            for (text, message) in cases {
                for path in ["/files", "/files/count"] {
                    let answer = try await gateway.get("\(path)?where=\(self.query(text))")
                    #expect(answer.status == 400 && answer.error.contains(message), "\(answer.text)")
                }
            }
            let both = try await gateway.get("/files?where=\(self.query("run = 1"))&task=1")
            #expect(both.status == 400 && both.error.contains("cannot go with where"), "\(both.text)")
            #expect(try await gateway.get("/files/count").status == 400)
        }
    }

    @Test func fieldsAreAddedTaggedAndRemoved() async throws {
        try await withGateway(production: Production.running()) { gateway in
            let body = #"{"field": "energy", "type": "number", "description": "GeV"}"#
            #expect(try await gateway.post("/metadata", body, as: .physicist).status == 403)
            let dry = try await gateway.post("/metadata?dryRun=true", body, as: .operator)
            #expect(dry.status == 200 && dry.text.contains("field energy added: number"))
            #expect(try await gateway.get("/metadata?field=energy").items.isEmpty)
            #expect(try await gateway.post("/metadata", body, as: .operator).status == 200)
            #expect(try await gateway.get("/metadata?field=energy").items.first?["type"]?.text == "number")
            let odd = try await gateway.post("/metadata", #"{"field": "x", "type": "date"}"#, as: .operator)
            #expect(odd.status == 400 && odd.error.contains("integer, number, text, boolean, time"))
            #expect(
                try await gateway.post("/metadata", #"{"field": "and", "type": "text"}"#, as: .operator).status == 400
            )

            let lfn = "/1/simulate/events/0/1.0.1.slcio"
            let tag =
                "{\"lfn\": \"\(lfn)\", \"metadata\": {\"energy\": 91.2, \"quality\": \"bad\"}, \"remove\": [\"run\"]}"
            #expect(try await gateway.post("/files/tag", tag, as: .viewer).status == 403)
            let said = try await gateway.post("/files/tag", tag, as: .physicist, who: "mary")
            #expect(
                said.status == 200 && said.text.contains("energy = 91.2, quality = bad, without run"),
                "\(said.text)"
            )
            let metadata = try await gateway.get("/files/show?lfn=\(lfn)").json["metadata"]
            #expect(
                metadata?["quality"]?.text == "bad" && metadata?["energy"]?.double == 91.2 && metadata?["run"] == nil
            )
            let other = try await gateway.get("/files/show?lfn=/1/simulate/events/0/1.1.1.slcio").json["metadata"]
            #expect(other?["quality"]?.text == "good" && other?["run"]?.integer == 0)
            let wrong = try await gateway.post("/files/tag", #"{"lfn": "/x", "metadata": {"energy": "much"}}"#)
            #expect(wrong.status == 400 && wrong.error == "metadata energy: much is not a number", "\(wrong.text)")

            let all = try await gateway.post(
                "/datasets/1.simulate.events/tag",
                #"{"metadata": {"energy": 250}}"#,
                as: .physicist
            )
            #expect(all.status == 200, "\(all.text)")
            #expect(try all.json["result"]?["metadata"]?["energy"]?.double == 250)
            let count = try await gateway.get("/files/count?where=\(self.query("energy = 250"))").json
            #expect(count["files"]?.integer == 999)
            let used = try await gateway.post("/metadata/energy/remove", "{}", as: .operator)
            #expect(used.status == 409 && used.error.contains("in use, such as by file \(lfn)"), "\(used.text)")
            let log = try await gateway.get("/metadata-changes?subject=file:\(lfn)").items
            #expect(log.count == 1 && log.first?["who"]?.text == "mary")
        }
    }

    @Test func containersAreMadeFilledAndClosed() async throws {
        try await withGateway(production: Production.running()) { gateway in
            func post(_ path: String, _ body: String, who: String = "mary") async throws -> Answer {
                try await gateway.post("/containers\(path)", body, as: .physicist, who: who)
            }
            #expect(try await post("", #"{"container": "mine"}"#).status == 200)
            let empty = try await post("/mine/close", "{}")
            #expect(empty.status == 409 && empty.error.contains("millrace container add mine"), "\(empty.text)")
            let added = try await post("/mine/add", #"{"datasets": ["1.simulate.events", "1.merge.merged"]}"#)
            #expect(added.status == 200 && added.text.contains("\"datasets\":2"), "\(added.text)")
            #expect(try await post("/mine/add", #"{"datasets": ["none"]}"#).status == 404)
            #expect(try await post("/mine/add", #"{"datasets": "1.merge.merged"}"#).status == 400)
            #expect(try await post("/mine/add", #"{"datasets": ["1.merge.merged"]}"#, who: "john").status == 403)
            #expect(try await post("/mine/remove", #"{"datasets": ["1.merge.merged"]}"#).status == 200)
            let shown = try await gateway.get("/containers/mine").json
            #expect(shown["files"]?.integer == 1000 && shown["members"]?.list.count == 1)
            let files = "/containers/mine/files"
            #expect(try await gateway.get("\(files)?limit=10000").items.count == 1000)
            let page = try await gateway.get("\(files)?limit=600")
            let next = try #require(try page.json["next"]?.text)
            let rest = try await gateway.get("\(files)?limit=600&after=\(self.query(next))")
            #expect(try rest.items.count == 400 && rest.json["next"]?.text == nil)
            let names = try (page.items + rest.items).compactMap { $0["lfn"]?.text }
            #expect(Set(names).count == 1000)
            let last = try await gateway.get("\(files)?limit=1&order=desc").items.first
            #expect(last?["lfn"]?.text == names.last)
            let wrong = try await gateway.get("\(files)?after=/1/simulate")
            #expect(wrong.status == 400 && wrong.error.contains("after"), "\(wrong.text)")
            #expect(try await gateway.get("\(files)?site=lyon").status == 400)
            #expect(try await gateway.get("/datasets/1.simulate.events").json["containers"]?.list.count == 2)
            #expect(try await post("/mine/close", "{}").status == 200)
            let closed = try await post("/mine/add", #"{"datasets": ["1.merge.merged"]}"#)
            #expect(closed.status == 409 && closed.error.contains("is closed"))
            #expect(try await gateway.get("/containers/none").status == 404)
            #expect(try await gateway.get("/containers/none/files").status == 404)
        }
    }
}
