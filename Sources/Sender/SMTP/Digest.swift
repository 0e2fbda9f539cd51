import COpenSSL

/// The keyed hashes that logins need, from libcrypto.
enum Digest {
    /// HMAC-MD5 (RFC 2104), for CRAM-MD5 alone.
    static func hmacMD5(key: [UInt8], _ message: [UInt8]) -> [UInt8] { hmac(EVP_md5(), key, message) }

    /// HMAC-SHA-256.
    static func hmacSHA256(key: [UInt8], _ message: [UInt8]) -> [UInt8] { hmac(EVP_sha256(), key, message) }

    static func sha256(_ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        var length: UInt32 = 0
        EVP_Digest(message, message.count, &result, &length, EVP_sha256(), nil)
        return result
    }

    /// PBKDF2 with HMAC-SHA-256, 32 bytes: `Hi` of RFC 5802 §2.2.
    static func pbkdf2SHA256(_ password: [UInt8], salt: [UInt8], iterations: Int32) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        password.withUnsafeBytes { secret in
            secret.withMemoryRebound(to: CChar.self) { characters in
                _ = PKCS5_PBKDF2_HMAC(
                    characters.baseAddress, Int32(characters.count), salt, Int32(salt.count), iterations,
                    EVP_sha256(), 32, &result)
            }
        }
        return result
    }

    private static func hmac(_ kind: OpaquePointer?, _ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        HMAC(kind, key, Int32(key.count), message, message.count, &result, &length)
        return Array(result.prefix(Int(length)))
    }
}
