import Postgres

/// What a derive task makes anew: only what is missing.
enum Derived {
    /// That a file which was made from the one called `file` is in the dataset, or in any dataset of the container, called `name`, and is not
    /// lost.
    ///
    /// - Parameters:
    ///   - file: the column with its number.
    ///   - name: the parameter or column with the name.
    static func isMade(from file: StaticString, in name: SQL) -> SQL {
        """
        EXISTS (
            SELECT 1 FROM file_parent p JOIN file made ON made.id = p.file JOIN dataset_file m ON m.file = p.file
            JOIN dataset md ON md.id = m.dataset
            WHERE p.parent = \(unsafe: file) AND NOT made.lost AND (md.name = \(fragment: name) OR md.id IN (
                SELECT cm.dataset FROM container c JOIN container_member cm ON cm.container = c.id WHERE c.name = \(fragment: name))))
        """
    }
}
