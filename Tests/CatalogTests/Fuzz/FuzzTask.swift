/// A task of the fuzz, as the client that made it knows it.
struct FuzzTask: Sendable {
    struct Stream: Sendable {
        let name: String
        let counted: Bool
        /// Its dataset is subscribed by a second storage.
        let isSubscribed: Bool
    }

    let id: Int64
    let request: Int64
    let kind: String
    let streams: [Stream]

    func dataset(_ stream: String) -> String { "\(self.request).\(self.kind).\(stream)" }
}
