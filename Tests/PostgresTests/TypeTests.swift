import Postgres
import Testing
import TestSupport

@Suite struct TypeTests {
    private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ values: [Value],
        _ client: PostgresClient,
        _ location: SourceLocation = #_sourceLocation
    ) async throws {
        for value in values {
            let one = try await client.query(Statement("one", "SELECT \(value)", returning: Value.self))
            #expect(one == [value], sourceLocation: location)
            let maybe = try await client.query(
                Statement(
                    "optional",
                    "SELECT \(Value?.none), \(Value?.some(value))",
                    returning: Value?.self,
                    Value?.self
                )
            )
            #expect(maybe.count == 1 && maybe[0].0 == nil && maybe[0].1 == value, sourceLocation: location)
        }
        let arrays = try await client.query(
            Statement("arrays", "SELECT \(values), \([Value]())", returning: [Value].self, [Value].self)
        )
        #expect(arrays.count == 1 && arrays[0].0 == values && arrays[0].1.isEmpty, sourceLocation: location)
        let holes = values.flatMap { [nil, $0] }
        let optional = try await client.query(Statement("holes", "SELECT \(holes)", returning: [Value?].self))
        #expect(optional == [holes], sourceLocation: location)
    }

    @Test func everyTypeComesBackAsItWasSent() async throws {
        try await withDatabase { client, _ in
            try await self.roundTrip([true, false], client)
            try await self.roundTrip([Int16.min, -1, 0, .max], client)
            try await self.roundTrip([Int32.min, -1, 0, .max], client)
            try await self.roundTrip([Int64.min, -1, 0, .max], client)
            try await self.roundTrip([Int.min, -1, 0, .max], client)
            try await self.roundTrip([0.1, -0.0, 1e300, .leastNonzeroMagnitude, .pi, .infinity, -.infinity], client)
            let nasty = [
                "", " ", "NULL", "null", "a\"b", "\\", "\\\"", "{}", "{a,b}", ",", "'; DROP TABLE x; --", "$1",
                "line\nbreak\ttab", "\u{1F600} \u{E9}", "e\u{301}",
            ]
            try await self.roundTrip(nasty, client)
            try await self.roundTrip([[], [0], [0, 255, 92, 34], Array(0...255)] as [[UInt8]], client)
            try await self.roundTrip([UInt8.min, 7], client)
            let uuid = try #require(UUIDText("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"))
            try await self.roundTrip([uuid], client)
            try await self.roundTrip([JSONText(#"{"a": [1, "x\"y\\z", null]}"#)], client)
        }
    }

    @Test func notANumberComesBack() async throws {
        try await withDatabase { client, _ in
            let rows = try await client.query(
                Statement("nan", "SELECT \(Double.nan), \([Double.nan])", returning: Double.self, [Double].self)
            )
            #expect(rows[0].0.isNaN && rows[0].1[0].isNaN)
        }
    }

    @Test func timesComeBackToTheMicrosecond() async throws {
        let times = [0, 1, -1, 1_772_366_400_123_456, -62_135_596_800_000_001, -99_999_999_999_999_999]
            .map { Timestamp(microseconds: $0) }
        try await withDatabase { client, _ in
            try await self.roundTrip(times + [.infinity, .minusInfinity, .now], client)
            let known = try await client.query(
                Statement(
                    "known",
                    "SELECT '2026-03-01 13:00:00.5+01'::timestamptz, extract(epoch FROM \(times[3]))::text",
                    returning: Timestamp.self,
                    String.self
                )
            )
            #expect(known[0].0.microseconds == 1_772_366_400_500_000)
            #expect(known[0].1 == "1772366400.123456")
        }
    }

    @Test func narrowerColumnsAreReadWithoutLoss() async throws {
        try await withDatabase { client, _ in
            let rows = try await client.query(
                Statement(
                    "narrow",
                    "SELECT 1::int2, 2::int4, 1.5::float4, 'a'::varchar, 'b'::name, ARRAY[1]::int4[], '{}'::json",
                    returning: Int.self,
                    Int.self,
                    Double.self,
                    String.self,
                    String.self,
                    [Int].self,
                    JSONText.self
                )
            )
            #expect(rows.count == 1 && rows[0].0 == 1 && rows[0].2 == 1.5 && rows[0].5 == [1])
        }
    }

    @Test func aWrongDeclarationNamesStatementColumnAndTypes() async throws {
        try await withDatabase { client, _ in
            let wrong = await postgresError {
                _ = try await client.query(Statement("wrong", "SELECT 'x'::text AS name", returning: Int.self))
            }
            #expect(wrong?.code == .decoding)
            let text = try #require(wrong?.description)
            #expect(text.contains("column 1, name: expected bigint, found text") && text.contains("statement wrong"))
            let null = await postgresError {
                _ = try await client.query(Statement("null", "SELECT NULL::int8 AS n", returning: Int.self))
            }
            #expect(null?.description.contains("column 1, n: expected bigint, found NULL") == true)
            let count = await postgresError {
                _ = try await client.query(Statement("count", "SELECT 1::int8, 2::int8", returning: Int.self))
            }
            #expect(count?.code == .decoding)
            let nested = await postgresError {
                _ = try await client.query(Statement("nested", "SELECT ARRAY[[1],[2]]", returning: [Int].self))
            }
            #expect(nested?.message.contains("more than one dimension") == true)
        }
    }

    @Test func aMillionElementsAreOneParameter() async throws {
        try await withDatabase { client, _ in
            let numbers = Array(1...1_000_000)
            let rows = try await client.query(
                Statement(
                    "sum",
                    "SELECT count(*), sum(n)::int8 FROM unnest(\(numbers)) n",
                    returning: Int.self,
                    Int.self
                )
            )
            #expect(rows[0] == (1_000_000, 500_000_500_000))
        }
    }
}
