import COpenSSL

/// SHA-256 (FIPS 180-4) by libcrypto.
public enum Digest {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String { "SHA-256 is not available in this system's libcrypto" }
    }

    /// The digest in lower-case hex.
    public static func sha256(_ bytes: [UInt8]) throws -> String {
        var digest = [UInt8](repeating: 0, count: 32)
        var length = 0
        guard EVP_Q_digest(nil, "SHA256", nil, bytes, bytes.count, &digest, &length) == 1, length == 32 else {
            throw Failure()
        }
        var hex = ""
        for byte in digest {
            hex.unicodeScalars.append(UnicodeScalar(hexDigits[Int(byte >> 4)] | 0x20))
            hex.unicodeScalars.append(UnicodeScalar(hexDigits[Int(byte & 15)] | 0x20))
        }
        return hex
    }
}
