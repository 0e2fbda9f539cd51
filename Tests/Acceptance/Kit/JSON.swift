import Foundation
import Testing

/// One JSON object, read loosely, so that a missing key fails the test that asks for it and no other.
struct JSON {
    let values: [String: Any]

    init(_ text: String, _ place: SourceLocation = #_sourceLocation) throws {
        let any = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        values = try #require(any as? [String: Any], "no JSON object: \(text)", sourceLocation: place)
    }

    init(values: [String: Any]) { self.values = values }

    var keys: Set<String> { Set(values.keys) }
    func string(_ key: String) -> String? { values[key] as? String }
    func int(_ key: String) -> Int? { (values[key] as? NSNumber)?.intValue }
    func double(_ key: String) -> Double? { (values[key] as? NSNumber)?.doubleValue }
    func isNull(_ key: String) -> Bool { values[key] is NSNull }
    func list(_ key: String) -> [JSON] { (values[key] as? [[String: Any]] ?? []).map(JSON.init(values:)) }
    func has(_ key: String) -> Bool { values[key] != nil }
}

/// The eight tallies of a campaign, as `outpost status NAME --json` says them.
struct Tallies: CustomStringConvertible {
    static let states = ["pending", "sending", "sent", "deferred", "failed", "suppressed", "in_doubt", "cancelled"]
    let json: JSON

    subscript(_ state: String) -> Int { json.int(state) ?? -1 }
    var total: Int { json.int("total") ?? -1 }
    var state: String { json.string("state") ?? "" }
    var sum: Int { Self.states.reduce(0) { $0 + self[$1] } }
    var description: String {
        "\(state) total=\(total) " + Self.states.map { "\($0)=\(self[$0])" }.joined(separator: " ")
    }
}
