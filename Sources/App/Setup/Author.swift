import Glibc

/// Who gives an order.
enum Author {
    /// `ann@host`: the user's name, or number where it has none, and the machine's name.
    static var name: String {
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? String(getuid())
        var host = [CChar](repeating: 0, count: 256)
        guard gethostname(&host, 255) == 0 else { return user }
        return "\(user)@" + String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
