/// Rows on their way into the queue, packed: each takes its bytes and forty more.
///
/// Addresses come in no order. Entered one by one, each would dirty another page of an index that is larger than any
/// cache; in the order of their keys, all that belong on a page are entered together.
struct ImportBatch: Sendable {
    /// The more a batch holds, the fewer times a page is written; two are in memory at once.
    private static let rowLimit = 32_000
    private static let byteLimit = 3 << 20

    /// Lengths in bytes of what stands behind each other from `start` on; an email or domain of none is stored as NULL.
    struct Row {
        fileprivate let start: Int
        fileprivate let key: Int32
        fileprivate let email: Int32
        fileprivate let domain: Int32
        fileprivate let fields: Int32
        let line: Int
    }

    private(set) var rows: [Row] = []
    private var bytes: [UInt8] = []

    init() {
        rows.reserveCapacity(Self.rowLimit)
        bytes.reserveCapacity(Self.byteLimit + 1 << 16)
    }

    var isFull: Bool { rows.count >= Self.rowLimit || bytes.count >= Self.byteLimit }

    mutating func append(_ row: ImportRow) {
        let start = bytes.count
        let key = put(row.key)
        let email = row.email == row.key ? 0 : put(row.email)
        let domain = Commit.domain(of: row.email) == row.domain ? 0 : put(row.domain)
        rows.append(
            Row(start: start, key: key, email: email, domain: domain, fields: put(row.fields), line: row.line))
    }

    private mutating func put(_ text: String) -> Int32 {
        bytes.append(contentsOf: text.utf8)
        return Int32(text.utf8.count)
    }

    /// The places of the rows in the order of their keys as SQLite compares them; of equal keys the earlier first.
    func order() -> [Int32] {
        struct Place {
            let head: UInt64
            let index: Int32
        }
        return bytes.withUnsafeBytes { bytes in
            func key(_ index: Int32) -> UnsafeRawBufferPointer {
                Self.slice(bytes, rows[Int(index)].start, rows[Int(index)].key)
            }
            var places = rows.indices.map { index -> Place in
                let key = key(Int32(index))
                var head: UInt64 = 0
                for place in 0..<8 { head = head << 8 | (place < key.count ? UInt64(key[place]) : 0) }
                return Place(head: head, index: Int32(index))
            }
            places.sort { one, other in
                if one.head != other.head { return one.head < other.head }
                let (left, right) = (key(one.index), key(other.index))
                if left.lexicographicallyPrecedes(right) { return true }
                return !right.lexicographicallyPrecedes(left) && one.index < other.index
            }
            return places.map(\.index)
        }
    }

    /// A row's texts, which live as long as the call.
    struct Texts {
        let key: UnsafeRawBufferPointer
        let email: UnsafeRawBufferPointer?
        let domain: UnsafeRawBufferPointer?
        let fields: UnsafeRawBufferPointer
    }

    func withTexts<T>(_ body: ((Row) -> Texts) throws -> T) rethrows -> T {
        try bytes.withUnsafeBytes { bytes in
            try body { row in
                let email = row.start + Int(row.key)
                let domain = email + Int(row.email)
                return Texts(
                    key: Self.slice(bytes, row.start, row.key),
                    email: row.email == 0 ? nil : Self.slice(bytes, email, row.email),
                    domain: row.domain == 0 ? nil : Self.slice(bytes, domain, row.domain),
                    fields: Self.slice(bytes, domain + Int(row.domain), row.fields))
            }
        }
    }

    private static func slice(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ count: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(count)])
    }
}
