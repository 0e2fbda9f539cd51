/// One command of RFC 5321 and its extensions, split from its line.
struct CommandLine {
    enum Verb { case helo, ehlo, starttls, auth, mail, rcpt, data, rset, noop, vrfy, quit, help, unknown }

    var verb: Verb
    /// What follows the verb, without the space between.
    var argument: [UInt8]

    init(_ line: UnsafeBufferPointer<UInt8>) {
        var length = 0
        while length < line.count, line[length] != 32 { length += 1 }
        let word = UnsafeBufferPointer(rebasing: line[..<length])
        verb = CommandLine.verb(word)
        var begin = length
        while begin < line.count, line[begin] == 32 { begin += 1 }
        var end = line.count
        while end > begin, line[end - 1] == 32 { end -= 1 }
        argument = Array(line[begin..<end])
    }

    private static func verb(_ word: UnsafeBufferPointer<UInt8>) -> Verb {
        if word.count == 8, same(word, "STARTTLS") { return .starttls }
        guard word.count == 4 else { return .unknown }
        // Four letters make one number; the case bit is cleared.
        var packed: UInt32 = 0
        for byte in word { packed = packed << 8 | UInt32(byte & 0xdf) }
        switch packed {
        case 0x4d41_494c: return .mail
        case 0x5243_5054: return .rcpt
        case 0x4441_5441: return .data
        case 0x4548_4c4f: return .ehlo
        case 0x4845_4c4f: return .helo
        case 0x5253_4554: return .rset
        case 0x4e4f_4f50: return .noop
        case 0x5155_4954: return .quit
        case 0x4155_5448: return .auth
        case 0x5652_4659: return .vrfy
        case 0x4845_4c50: return .help
        default: return .unknown
        }
    }

    /// Whether `bytes` begin with the upper-case ASCII `text`, in any case.
    static func same(_ bytes: some Collection<UInt8>, _ text: StaticString) -> Bool {
        guard bytes.count >= text.utf8CodeUnitCount else { return false }
        var at = 0
        for byte in bytes.prefix(text.utf8CodeUnitCount) {
            let upper = byte >= 97 && byte <= 122 ? byte & 0xdf : byte
            guard upper == text.utf8Start[at] else { return false }
            at += 1
        }
        return true
    }
}

/// The path and parameters of MAIL FROM or RCPT TO.
struct EnvelopePath {
    enum Fault: Error { case syntax, parameter, size, needsUTF8, local }

    var address: [UInt8]
    var size: Int?

    /// `argument` is what follows the verb: `FROM:<a@b> SIZE=10`.
    init(_ argument: [UInt8], keyword: StaticString, allowsEmpty: Bool, options: PostOfficeOptions) throws(Fault) {
        guard CommandLine.same(argument, keyword) else { throw .syntax }
        var at = keyword.utf8CodeUnitCount
        while at < argument.count, argument[at] == 32 { at += 1 }
        guard at < argument.count, argument[at] == UInt8(ascii: "<") else { throw .syntax }
        at += 1
        let begin = at
        var quoted = false
        while at < argument.count, quoted || argument[at] != UInt8(ascii: ">") {
            let byte = argument[at]
            guard byte >= 32, byte != 127, quoted || (byte != 32 && byte != UInt8(ascii: "<")) else { throw .syntax }
            if byte == UInt8(ascii: "\\"), quoted { at += 1 }
            if byte == UInt8(ascii: "\"") { quoted.toggle() }
            at += 1
        }
        guard at < argument.count else { throw .syntax }
        address = Array(argument[begin..<at])
        at += 1
        guard address.isEmpty ? allowsEmpty : EnvelopePath.looksRight(address), address.count <= 320 else {
            throw .syntax
        }
        var wantsUTF8 = false
        if at < argument.count {
            guard argument[at] == 32 else { throw .syntax }
            for parameter in argument[at...].split(separator: 32) {
                if CommandLine.same(parameter, "SIZE=") {
                    guard let size = Int(String(decoding: parameter.dropFirst(5), as: UTF8.self)), size >= 0 else {
                        throw .parameter
                    }
                    self.size = size
                } else if CommandLine.same(parameter, "SMTPUTF8"), parameter.count == 8, options.smtputf8 {
                    wantsUTF8 = true
                } else if CommandLine.same(parameter, "BODY="), options.eightBitMIME {
                    let value = parameter.dropFirst(5)
                    guard CommandLine.same(value, "7BIT") || CommandLine.same(value, "8BITMIME") else {
                        throw .parameter
                    }
                } else if !CommandLine.same(parameter, "AUTH=") {
                    throw .parameter
                }
            }
        }
        if let size, size > options.maxSize { throw .size }
        let isMail = allowsEmpty
        if isMail, !wantsUTF8, address.contains(where: { $0 >= 128 }) { throw .needsUTF8 }
    }

    private static func looksRight(_ address: [UInt8]) -> Bool {
        if CommandLine.same(address, "POSTMASTER"), address.count == 10 { return true }
        guard let sign = address.lastIndex(of: UInt8(ascii: "@")) else { return false }
        return sign > 0 && sign < address.count - 1
    }
}

/// Base64 as AUTH uses it (RFC 4648 §4), strict.
enum Base64 {
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes = Array(text)
        guard bytes.count % 4 == 0 else { return nil }
        var padding = 0
        while padding < 2, bytes.last == UInt8(ascii: "=") {
            bytes.removeLast()
            padding += 1
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var bits: UInt32 = 0
        var held = 0
        for byte in bytes {
            let value: UInt8
            switch byte {
            case 65...90: value = byte - 65
            case 97...122: value = byte - 71
            case 48...57: value = byte + 4
            case UInt8(ascii: "+"): value = 62
            case UInt8(ascii: "/"): value = 63
            default: return nil
            }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                decoded.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
            }
        }
        return decoded
    }
}
