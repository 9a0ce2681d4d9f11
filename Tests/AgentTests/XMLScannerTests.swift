import Testing

@testable import Agent

@Suite("The XML that is read")
struct XMLScannerTests {
    private func events(_ text: String) throws(XMLProblem) -> [XMLScanner.Event] {
        try self.events(Array(text.utf8))
    }

    private func events(_ bytes: [UInt8]) throws(XMLProblem) -> [XMLScanner.Event] {
        var scanner = XMLScanner(bytes)
        var events: [XMLScanner.Event] = []
        while let event = try scanner.next() { events.append(event) }
        return events
    }

    @Test("has elements, attributes, text and CDATA; comments and instructions are skipped")
    func whole() throws {
        let text = """
            \u{FEFF}<?xml version="1.0" encoding="UTF-8"?>
            <!-- a > b -->
            <a x="1" y = '"2"'><b/>t<c  z="&lt;&#65;&#x42;&apos;"></c ><![CDATA[<&]]]]>&amp;<!-- -- --></a>
            <!-- end -->
            """
        #expect(
            try self.events(text) == [
                .start("a", ["x": "1", "y": "\"2\""]), .start("b", [:]), .end("b"), .text("t"),
                .start("c", ["z": "<AB'"]), .end("c"), .text("<&]]"), .text("&"), .end("a"),
            ]
        )
    }

    @Test(
        "is refused where it is none, with the line",
        arguments: [
            ("", 1, "no element"), ("\n\nx", 3, "outside"), ("<a>\n</b>", 2, "b ends"), ("<a>\n\n", 3, "inside of a"),
            ("<a/>\n<b/>", 2, "second root"), ("<a/>x", 1, "outside"), ("</a>", 1, "a ends"), ("<a", 1, "not closed"),
            ("<a b>", 1, "no value"), ("<a b=1>", 1, "not quoted"), ("<a b='1>", 1, "' is missing"),
            ("<a b='1'c='2'/>", 1, "not closed"), ("<a b='1' b='2'/>", 1, "twice"), ("<a b='<'/>", 1, "holds a <"),
            ("<a>&nbsp;</a>", 1, "&nbsp; is not known"), ("<a>&</a>", 1, "begins nothing"),
            ("<a>&#xD800;</a>", 1, "known"),
            ("<a>&#x110000;</a>", 1, "known"), ("<a>&#-1;</a>", 1, "known"), ("<a><!-- ", 1, "--> is missing"),
            ("<a><![CDATA[ ]] >", 1, "]]> is missing"), ("<?x", 1, "?> is missing"),
            ("<!DOCTYPE a>", 1, "document types"),
            ("<a><", 1, "a name"), ("<1/>", 1, "a name"), ("< a/>", 1, "a name"), ("<![CDATA[x]]>", 1, "outside"),
            ("</", 1, "a name"), ("<a></a", 1, "not closed"), ("\u{0}", 1, "outside"),
        ]
    )
    func refused(text: String, line: Int, reason: String) {
        let problem = #expect(throws: XMLProblem.self) { try self.events(text) }
        #expect(problem?.line == line && problem?.reason.contains(reason) == true, "\(problem as Any)")
    }

    @Test("may be nested only so deep")
    func depth() throws {
        let (open, close) = (
            { String(repeating: "<a>", count: $0) } as (Int) -> String,
            { String(repeating: "</a>", count: $0) } as (Int) -> String
        )
        #expect(try self.events(open(100) + close(100)).count == 200)
        #expect(throws: XMLProblem.self) { try self.events(open(101) + close(101)) }
    }

    @Test("never brings the agent down, whatever its bytes are")
    func anything() {
        let whole = Array("<a x='1'>t&amp;<b/><![CDATA[c]]><!-- d --></a>".utf8)
        var random = SystemRandomNumberGenerator()
        var refused = 0
        for _ in 0..<3000 {
            var bytes = whole
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            do { _ = try self.events(Array(bytes.prefix(Int.random(in: 0...bytes.count)))) } catch { refused += 1 }
        }
        #expect(refused > 1000)
    }
}
