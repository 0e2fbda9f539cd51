import COpenSSL
import Glibc

/// A file sealed with a password: AES-256-GCM in chunks, the key by scrypt (RFC 7914).
///
/// The layout: a header of 32 bytes, then the chunks, each with its tag of 16 bytes behind it. All but the last chunk
/// hold exactly `chunkSize` bytes. A chunk's nonce is 7 random bytes of the header, its number (32 bits, big-endian) and
/// 1 for the last one, else 0; the header is authenticated with each. So bytes changed, chunks exchanged, and an end
/// that is missing or appended are all found out.
enum SealedFile {
    static let headerSize = 32
    static let chunkSize = 65_536
    private static let tagSize = 16
    private static let magic = Array("OUTPOSTB".utf8)

    enum Fault: Error, Equatable {
        case notSealed, unknownVersion
        /// The first chunk does not open: the password, or the file's beginning.
        case wrongPassword
        case damaged(chunk: Int)
        case read(Int32), write(Int32)
        case library
        case tooLarge
    }

    private struct Header {
        var logN: UInt8 = 17
        var r: UInt8 = 8
        var p: UInt8 = 1
        var salt = [UInt8](repeating: 0, count: 12)
        var nonce = [UInt8](repeating: 0, count: 7)

        // 8 magic, 1 version, 3 scrypt, 1 log2 of the chunk size, 12 salt, 7 nonce: 32.
        var bytes: [UInt8] { magic + [1, logN, r, p, 16] + salt + nonce }

        init() throws {
            guard RAND_bytes(&salt, 12) == 1, RAND_bytes(&nonce, 7) == 1 else { throw Fault.library }
        }

        init(_ bytes: [UInt8]) throws {
            guard bytes.count == headerSize, Array(bytes[0..<8]) == magic else { throw Fault.notSealed }
            // Nobody's file may ask for more than 1 GiB of memory.
            guard bytes[8] == 1, (10...20).contains(bytes[9]), (1...8).contains(bytes[10]), (1...4).contains(bytes[11]),
                bytes[12] == 16
            else { throw Fault.unknownVersion }
            (logN, r, p) = (bytes[9], bytes[10], bytes[11])
            salt = Array(bytes[13..<25])
            nonce = Array(bytes[25..<32])
        }

        func key(_ password: String) throws -> [UInt8] {
            var key = [UInt8](repeating: 0, count: 32)
            let secret = Array(password.utf8).map { CChar(bitPattern: $0) }
            let done = EVP_PBE_scrypt(
                secret, secret.count, salt, salt.count, 1 << UInt64(logN), UInt64(r), UInt64(p), 1 << 31, &key, 32)
            guard done == 1 else { throw Fault.library }
            return key
        }

        func nonce(_ number: UInt32, isLast: Bool) -> [UInt8] {
            nonce + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) } + [isLast ? 1 : 0]
        }
    }

    /// Seals all that can be read from `input`.
    /// - Throws: `Fault`.
    static func seal(_ input: Int32, to output: Int32, password: String) throws {
        let header = try Header()
        let cipher = try Cipher(key: header.key(password), authenticating: header.bytes)
        try write(header.bytes, to: output)
        var chunk = try read(chunkSize, from: input)
        var number: UInt32 = 0
        while true {
            let next = chunk.count == chunkSize ? try read(chunkSize, from: input) : []
            let isLast = next.isEmpty
            try write(cipher.seal(chunk, nonce: header.nonce(number, isLast: isLast)), to: output)
            if isLast { return }
            guard number < UInt32.max else { throw Fault.tooLarge }
            number += 1
            chunk = next
        }
    }

    /// Opens what `seal` wrote. What was written to `output` before an error must not be used.
    /// - Throws: `Fault`.
    static func open(_ input: Int32, to output: Int32, password: String) throws {
        let header = try Header(read(headerSize, from: input))
        let cipher = try Cipher(key: header.key(password), authenticating: header.bytes)
        let size = chunkSize + tagSize
        var chunk = try read(size, from: input)
        var number: UInt32 = 0
        while true {
            let next = chunk.count == size ? try read(size, from: input) : []
            let isLast = next.isEmpty
            guard let plain = try cipher.open(chunk, nonce: header.nonce(number, isLast: isLast)) else {
                throw number == 0 ? Fault.wrongPassword : Fault.damaged(chunk: Int(number))
            }
            try write(plain, to: output)
            if isLast { return }
            guard number < UInt32.max else { throw Fault.tooLarge }
            number += 1
            chunk = next
        }
    }

    /// As many bytes as there are, up to `count`.
    private static func read(_ count: Int, from file: Int32) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let got = Glibc.read(file, buffer.baseAddress?.advanced(by: filled), count - filled)
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw Fault.read(errno) }
                if got == 0 { return }
                filled += got
            }
        }
    }

    private static func write(_ bytes: [UInt8], to file: Int32) throws {
        guard FilePath.writeAll(file, bytes) else { throw Fault.write(errno) }
    }

    /// AES-256-GCM with one key and one header.
    private final class Cipher {
        private let context: OpaquePointer
        private let key: [UInt8]
        private let header: [UInt8]

        init(key: [UInt8], authenticating header: [UInt8]) throws {
            guard let context = EVP_CIPHER_CTX_new() else { throw Fault.library }
            self.context = context
            self.key = key
            self.header = header
        }

        deinit { EVP_CIPHER_CTX_free(context) }

        private func begin(_ nonce: [UInt8], encrypting: Int32) throws {
            var length: Int32 = 0
            guard EVP_CipherInit_ex(context, EVP_aes_256_gcm(), nil, key, nonce, encrypting) == 1,
                EVP_CipherUpdate(context, nil, &length, header, Int32(header.count)) == 1
            else { throw Fault.library }
        }

        func seal(_ plain: [UInt8], nonce: [UInt8]) throws -> [UInt8] {
            try begin(nonce, encrypting: 1)
            var sealed = [UInt8](repeating: 0, count: plain.count + tagSize)
            var (length, rest): (Int32, Int32) = (0, 0)
            var tag = [UInt8](repeating: 0, count: tagSize)
            guard EVP_CipherUpdate(context, &sealed, &length, plain, Int32(plain.count)) == 1,
                EVP_CipherFinal_ex(context, &tag, &rest) == 1,
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, Int32(tagSize), &tag) == 1
            else { throw Fault.library }
            sealed.replaceSubrange(plain.count..., with: tag)
            return sealed
        }

        /// nil when it is not what was sealed.
        func open(_ sealed: [UInt8], nonce: [UInt8]) throws -> [UInt8]? {
            guard sealed.count >= tagSize else { return nil }
            try begin(nonce, encrypting: 0)
            let count = sealed.count - tagSize
            var tag = Array(sealed[count...])
            var plain = [UInt8](repeating: 0, count: count + tagSize)
            var (length, rest): (Int32, Int32) = (0, 0)
            guard EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, Int32(tagSize), &tag) == 1,
                EVP_CipherUpdate(context, &plain, &length, sealed, Int32(count)) == 1
            else { throw Fault.library }
            var end = [UInt8](repeating: 0, count: tagSize)
            guard EVP_CipherFinal_ex(context, &end, &rest) == 1 else { return nil }
            plain.removeLast(tagSize)
            return plain
        }
    }
}
