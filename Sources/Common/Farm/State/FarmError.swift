/// Why a farm could not be started, found or stopped: one line that says what, where and what to do.
package struct FarmError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: Equatable, Sendable {
        case alreadyRunning
        case notRunning
        case folderUnusable
        case diskFull
        case portTaken
        case programMissing
        case serverMissing
        case startFailed
        /// A file of the state folder does not hold what it should.
        case damagedState
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
