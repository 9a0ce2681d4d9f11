/// A field of a listed row, as a user would write it in a filter; nil: no text or number.
struct ListedValue: Decodable, Sendable {
    let text: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int64.self) {  // not an error: the next form is tried
            self.text = String(number)
        } else {
            self.text = try? container.decode(String.self)  // not an error: what is neither is no value of a filter
        }
    }
}
