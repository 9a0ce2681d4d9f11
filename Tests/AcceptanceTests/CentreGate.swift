/// How many centres there are at once. Each has a broker, a database and four services: the suites run side by side, and with a
/// centre for each of them two cores would be busy with starting servers only.
actor CentreGate {
    static let shared = CentreGate(places: 3)

    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(places: Int) { self.free = places }

    /// Waits for a place.
    func enter() async {
        guard self.free == 0 else {
            self.free -= 1
            return
        }
        await withCheckedContinuation { self.waiting.append($0) }
    }

    /// Gives a place back; who waits longest gets it.
    func leave() {
        guard !self.waiting.isEmpty else {
            self.free += 1
            return
        }
        self.waiting.removeFirst().resume()
    }
}
