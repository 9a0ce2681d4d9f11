/// A field of a listed row, as a user would write it in a filter; nil: no text or number.
struct ListedValue: Decodable, Sendable {
    let text: String?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // A form that does not fit is not an error: the next one is tried, and one that is neither is no value of a filter.
        if let number = try? container.decode(Int64.self) {
            self.text = String(number)
        } else {
            self.text = try? container.decode(String.self)
        }
    }
}
