import Crypto

/// UUIDs made from names (RFC 9562, version 5): the same name in the same space is always the same UUID.
enum NameUUID {
    /// - Parameter space: a UUID as text.
    /// - Returns: nil if the space is none.
    static func make(_ name: String, in space: String) -> String? {
        let digits = space.utf8.filter { $0 != UInt8(ascii: "-") }
        guard digits.count == 32 else { return nil }
        var bytes: [UInt8] = []
        for place in stride(from: 0, to: 32, by: 2) {
            guard let byte = UInt8(String(decoding: digits[place..<place + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        var sum = Array(Insecure.SHA1.hash(data: bytes + Array(name.utf8)).prefix(16))
        sum[6] = sum[6] & 0x0f | 0x50
        sum[8] = sum[8] & 0x3f | 0x80
        let hex = sum.map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0\(text)" : text
        }
        let parts = [hex[0..<4], hex[4..<6], hex[6..<8], hex[8..<10], hex[10..<16]]
        return parts.map { $0.joined() }.joined(separator: "-")
    }
}
