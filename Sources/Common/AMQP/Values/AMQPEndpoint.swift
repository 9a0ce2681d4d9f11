/// Where the broker is and who we are there: `amqp://user:password@host:port/vhost`.
///
/// User, password and virtual host are percent-decoded. Left out (the last one also after a slash), they are `guest`,
/// `guest` and `/`; the port is 5672.
package struct AMQPEndpoint: Equatable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    package var user: String
    package var password: String
    package var host: String
    package var port: Int
    package var virtualHost: String

    package init(
        user: String = "guest",
        password: String = "guest",
        host: String,
        port: Int = 5672,
        virtualHost: String = "/"
    ) {
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.virtualHost = virtualHost
    }

    /// Reads an address.
    ///
    /// - Throws: ``AMQPError`` with ``AMQPError/Code/invalidURL``; its text does not repeat the address, which may hold
    ///   a password.
    package init(url: String) throws(AMQPError) {
        var rest = try Self.dropScheme(of: url)
        var path: Substring?
        if let slash = rest.firstIndex(of: "/") {
            path = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
        }
        var user = "guest"
        var password = "guest"
        if let at = rest.lastIndex(of: "@") {
            (user, password) = try Self.credentials(rest[..<at])
            rest = rest[rest.index(after: at)...]
        }
        let (host, port) = try Self.authority(rest)
        var virtualHost = "/"
        // Strictly, a closing slash alone is the virtual host without a name; nobody has one, and many write the slash.
        if let path, !path.isEmpty {
            guard !path.contains(where: { "/?#".contains($0) }) else {
                throw Self.invalid("the virtual host is one path element; write a slash in it as %2F")
            }
            virtualHost = try Self.decode(path, "virtual host")
        }
        self.init(user: user, password: password, host: host, port: port, virtualHost: virtualHost)
    }

    /// The address without the password.
    package var description: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "amqp://\(Self.encode(self.user))@\(host):\(self.port)/\(Self.encode(self.virtualHost))"
    }

    package var debugDescription: String { self.description }

    /// Keeps `dump` and mirrors from showing the password.
    package var customMirror: Mirror { Mirror(self, children: ["endpoint": self.description]) }

    private static func invalid(_ reason: String) -> AMQPError {
        AMQPError(.invalidURL, "bad broker address: \(reason) (expected amqp://user:password@host:port/vhost)")
    }

    private static func dropScheme(of url: String) throws(AMQPError) -> Substring {
        guard let colon = url.firstIndex(of: ":"), url[colon...].hasPrefix("://") else {
            throw Self.invalid("no scheme")
        }
        let rest = url[url.index(colon, offsetBy: 3)...]
        switch url[..<colon].lowercased() {
        case "amqp": return rest
        case "amqps": throw Self.invalid("amqps (TLS) is not supported, use amqp on a trusted network or a tunnel")
        default: throw Self.invalid("the scheme is not amqp")
        }
    }

    private static func credentials(_ text: Substring) throws(AMQPError) -> (String, String) {
        guard let colon = text.firstIndex(of: ":") else { return (try Self.decode(text, "user"), "guest") }
        return (
            try Self.decode(text[..<colon], "user"), try Self.decode(text[text.index(after: colon)...], "password")
        )
    }

    private static func authority(_ text: Substring) throws(AMQPError) -> (String, Int) {
        var host = text
        var port: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw Self.invalid("no ] after the IPv6 host") }
            host = text[text.index(after: text.startIndex)..<end]
            let tail = text[text.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw Self.invalid("text between ] and the port") }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            port = text[text.index(after: colon)...]
        }
        guard !host.isEmpty else { throw Self.invalid("no host") }
        guard let port else { return (String(host), 5672) }
        guard let number = Int(port), (1...65535).contains(number) else {
            throw Self.invalid("the port is not a number from 1 to 65535")
        }
        return (String(host), number)
    }

    private static func decode(_ text: Substring, _ what: String) throws(AMQPError) -> String {
        var bytes: [UInt8] = []
        var units = text.utf8.makeIterator()
        while let unit = units.next() {
            guard unit == UInt8(ascii: "%") else {
                bytes.append(unit)
                continue
            }
            guard let high = units.next().flatMap(Self.hexDigit), let low = units.next().flatMap(Self.hexDigit) else {
                throw Self.invalid("a % in the \(what) is not followed by two hexadecimal digits")
            }
            bytes.append(high << 4 | low)
        }
        guard !bytes.contains(0), let decoded = String(validating: bytes, as: UTF8.self) else {
            throw Self.invalid("the \(what) is not text")
        }
        return decoded
    }

    private static func hexDigit(_ unit: UInt8) -> UInt8? {
        Character(UnicodeScalar(unit)).hexDigitValue.map(UInt8.init)
    }

    private static func encode(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { result, unit in
            let character = Character(UnicodeScalar(unit))
            if unit < 128, character.isLetter || character.isNumber || "-._~".contains(character) {
                result.append(character)
            } else {
                result += "%\(hex[Int(unit >> 4)])\(hex[Int(unit & 15)])"
            }
        }
    }
}
