import GRDB
import GRDBSQLite

/// A prepared statement, bound and read column by column: what the hot path needs and GRDB's rows would allocate for.
///
/// Used by one thread at a time, on the connection that made it.
final class Prepared {
    private let statement: Statement
    private let raw: OpaquePointer
    let sql: String

    init(_ db: Database, _ sql: String) throws {
        self.sql = sql
        statement = try db.makeStatement(sql: sql)
        raw = statement.sqliteStatement
    }

    func bind(_ index: Int32, _ value: Int64) { sqlite3_bind_int64(raw, index, value) }
    func bind(_ index: Int32, _ value: Int64?) {
        if let value { sqlite3_bind_int64(raw, index, value) } else { sqlite3_bind_null(raw, index) }
    }
    func bind(_ index: Int32, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars in
                _ = sqlite3_bind_text(raw, index, chars.baseAddress ?? Self.nothing, Int32(chars.count), Self.transient)
            }
        }
    }
    /// A text that is not copied: its bytes must stay where they are until this is bound anew or no longer stepped.
    func bind(_ index: Int32, kept bytes: UnsafeRawBufferPointer) {
        let chars = bytes.assumingMemoryBound(to: CChar.self)
        sqlite3_bind_text(raw, index, chars.baseAddress ?? Self.nothing, Int32(chars.count), nil)
    }
    func bind(_ index: Int32, kept bytes: UnsafeRawBufferPointer?) {
        if let bytes { bind(index, kept: bytes) } else { sqlite3_bind_null(raw, index) }
    }
    func bind(_ index: Int32, _ text: String?) {
        if let text { bind(index, text) } else { sqlite3_bind_null(raw, index) }
    }

    /// Runs a statement that answers no rows, and makes it ready for the next use.
    func run() throws {
        let code = sqlite3_step(raw)
        if code == SQLITE_DONE || code == SQLITE_ROW {
            sqlite3_reset(raw)
        } else {
            try fail()
        }
    }

    /// Goes to the next row; after the last one the statement is ready for the next use.
    func step() throws -> Bool {
        switch sqlite3_step(raw) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(raw)
            return false
        default: try fail()
        }
    }

    func reset() { sqlite3_reset(raw) }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(raw, column) }
    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(raw, column) == SQLITE_NULL }
    func optional(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }
    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(raw, column) else { return "" }
        let count = Int(sqlite3_column_bytes(raw, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }
    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    private func fail() throws -> Never {
        let handle = sqlite3_db_handle(raw)
        let error = DatabaseError(
            resultCode: ResultCode(rawValue: sqlite3_extended_errcode(handle)),
            message: String(cString: sqlite3_errmsg(handle)), sql: sql)
        sqlite3_reset(raw)
        throw error
    }

    /// SQLITE_TRANSIENT: SQLite copies the bytes before it returns. A macro that Swift does not import.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
    /// Binding a null pointer would bind NULL, where an empty text is meant. Nothing is ever written to it or read from it, so
    /// that all threads may share it.
    private nonisolated(unsafe) static let nothing: UnsafePointer<CChar> = UnsafePointer(
        UnsafeMutablePointer<CChar>.allocate(capacity: 1))
}
