/// A set from which one can be drawn: insertion, removal and drawing cost the same whatever its size.
struct FuzzBag<Element: Hashable & Sendable>: Sendable {
    private(set) var elements: [Element] = []
    private var places: [Element: Int] = [:]

    mutating func insert(_ element: Element) {
        guard self.places[element] == nil else { return }
        self.places[element] = self.elements.count
        self.elements.append(element)
    }

    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ element: Element) -> Bool {
        guard let place = self.places.removeValue(forKey: element) else { return false }
        let last = self.elements.removeLast()
        if last != element {
            self.elements[place] = last
            self.places[last] = place
        }
        return true
    }
}
