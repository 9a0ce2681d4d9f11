import CChecksums
import Storage
import Testing

@Suite("Checksums")
struct ChecksumTests {
    @Test(
        "match the known vectors",
        arguments: [
            ("", "00000001", "00000000"),
            ("a", "00620062", "c1d04330"),
            ("123456789", "091e01de", "e3069283"),  // the check value of CRC-32C
            ("Wikipedia", "11e60398", nil),
        ] as [(String, String, String?)]
    )
    func vectors(text: String, adler: String, crc: String?) {
        let file = sum(Array(text.utf8))
        #expect(file.adler32 == adler)
        if let crc { #expect(file.crc32c == crc) }
        #expect(file.bytes == Int64(text.utf8.count))
    }

    @Test("match RFC 3720, appendix B.4")
    func iscsi() {
        #expect(sum([UInt8](repeating: 0, count: 32)).crc32c == "8a9136aa")
        #expect(sum([UInt8](repeating: 0xFF, count: 32)).crc32c == "62a8ab43")
        #expect(sum(Array(0..<32)).crc32c == "46dd794e")
    }

    @Test("do not depend on how the bytes are cut", arguments: [1, 7, 64, 5551, 5552, 8191, 8193, 40_000])
    func pieces(size: Int) {
        let bytes = pattern(40_000)
        var running = RunningChecksum()
        for start in stride(from: 0, to: bytes.count, by: size) {
            bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { running.update($0) }
        }
        #expect(running.file == sum(bytes))
    }

    @Test("are the same by instruction and by table")
    func table() {
        for count in [0, 1, 7, 8, 9, 63, 1000, 70_001] {
            let bytes = pattern(count)
            #expect(cchecksums_crc32c(7, bytes, count) == cchecksums_crc32c_table(7, bytes, count))
        }
    }

    @Test("do not overflow on the largest bytes")
    func largest() {
        let bytes = [UInt8](repeating: 0xFF, count: 1 << 20)
        var low = 1
        var high = 0
        for byte in bytes {
            low = (low + Int(byte)) % 65_521
            high = (high + low) % 65_521
        }
        #expect(sum(bytes).adler32 == RunningChecksum.hex(UInt32(high << 16 | low)))
    }

    private func sum(_ bytes: [UInt8]) -> StoredFile {
        var running = RunningChecksum()
        bytes.withUnsafeBytes { running.update($0) }
        return running.file
    }
}
