import GRDB

/// The addresses of each campaign as a table of their own, so that an import may enter them in the order of the index, apart
/// from the rows, which keep the order of the list.
enum Migration7 {
    static let name = "7 addresses"

    /// What `UNIQUE (campaign, key)` kept is, byte for byte, the table that takes its place: records of campaign, key and id,
    /// in the order of the first two. So nothing is copied, whatever the size: only the schema's text changes.
    static func apply(_ db: Database) throws {
        try db.execute(sql: "PRAGMA writable_schema = ON")
        try db.execute(sql: schema)
        // Other connections, of this process and of others, read the schema anew when they see another number.
        let version = try Int.fetchOne(db, sql: "PRAGMA schema_version") ?? 0
        try db.execute(sql: "PRAGMA schema_version = \(version + 1); PRAGMA writable_schema = RESET;")
    }

    private static let schema = """
        UPDATE sqlite_master SET sql =
            rtrim(substr(sql, 1, instr(sql, 'UNIQUE (campaign, key)') - 1), ', ' || char(10)) || char(10) || ') STRICT'
            WHERE type = 'table' AND name = 'recipient';
        UPDATE sqlite_master SET type = 'table', name = 'recipient_key', tbl_name = 'recipient_key', sql =
            'CREATE TABLE recipient_key (
            campaign INTEGER NOT NULL, key TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (campaign, key)
        ) STRICT, WITHOUT ROWID'
            WHERE type = 'index' AND name = 'sqlite_autoindex_recipient_1';
        """
}
