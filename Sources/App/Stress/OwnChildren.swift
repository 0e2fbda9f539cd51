import Glibc

/// The processes this one has started and that still run (`man 5 proc`, `/proc/PID/task/TID/children`).
enum OwnChildren {
    static func list() -> [pid_t] {
        guard let tasks = opendir("/proc/self/task") else { return [] }
        defer { closedir(tasks) }
        var found: [pid_t] = []
        while let entry = readdir(tasks) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let bytes = try? FilePath.read("/proc/self/task/\(name)/children") else { continue }
            found += bytes.split(separator: 32).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
        }
        return found
    }

    /// For an end at once: nobody is left who works in a folder that goes away.
    static func kill() { for process in list() { Glibc.kill(process, SIGKILL) } }
}
