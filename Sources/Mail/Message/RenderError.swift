/// Why one message cannot be made; the recipient's fault or its row's, never the whole campaign's.
public enum RenderError: Error, Sendable, CustomStringConvertible {
    case address(String, AddressError)
    case fields(found: Int, wanted: Int)
    case messageID(String)
    case attachment(name: String, reason: String)
    case headerTooLong(String)

    public var description: String {
        switch self {
        case .address(let text, let error): "\(text): \(error)"
        case .fields(let found, let wanted):
            "the row has \(found) fields where the campaign has \(wanted) columns; import the list anew"
        case .messageID(let text): "\"\(text)\" is no message ID"
        case .attachment(let name, let reason): "attachment \(name): \(reason)"
        case .headerTooLong(let name): "the header \(name) would be longer than \(HeaderLine.hardLimit) characters"
        }
    }
}
