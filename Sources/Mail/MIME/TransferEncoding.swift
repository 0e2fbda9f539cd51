/// The encodings a part may have (RFC 2045 §6).
enum TransferEncoding: Sendable {
    case sevenBit, quotedPrintable, base64

    var name: StaticString {
        switch self {
        case .sevenBit: "7bit"
        case .quotedPrintable: "quoted-printable"
        case .base64: "base64"
        }
    }

    /// The smaller of the two encodings for text with bytes outside ASCII: quoted-printable takes two more bytes for
    /// each of them, Base64 a third (and line ends) of everything.
    static func smaller(bytes: Int, escapes: Int) -> TransferEncoding {
        escapes * 100 > bytes * 18 ? .base64 : .quotedPrintable
    }
}
