import CChecksums

/// Adler-32 and CRC-32C of bytes as they pass by.
package struct RunningChecksum: Sendable {
    private var adler: UInt32 = 1
    private var crc: UInt32 = 0
    /// How many have passed.
    package private(set) var bytes: Int64 = 0

    package init() {}

    package mutating func update(_ buffer: UnsafeRawBufferPointer) {
        guard let start = buffer.baseAddress else { return }
        cchecksums_both(&self.adler, &self.crc, start, buffer.count)
        self.bytes += Int64(buffer.count)
    }

    /// What a file of these bytes is.
    package var file: StoredFile {
        StoredFile(bytes: self.bytes, adler32: Self.hex(self.adler), crc32c: Self.hex(self.crc))
    }

    /// 8 lower-case hex digits.
    package static func hex(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
