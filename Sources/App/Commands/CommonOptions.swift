import ArgumentParser
import Glibc

/// `--home` on every command. The entry point has taken it from the arguments before they are parsed, so that it may
/// stand before or after the command; here it is declared for the help.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Keep configuration, queue and log in this folder.", valueName: "dir"))
    var home: String?

    /// Takes `--home` out of the arguments and puts it into the environment, where processes started from here find it.
    /// - Throws: `ValidationError` when it has no value.
    static func takeHome(from arguments: [String]) throws -> [String] {
        var rest: [String] = []
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            if argument == "--" {
                rest.append(contentsOf: arguments[index...])
                break
            }
            if argument == "--home" {
                guard index + 1 < arguments.count, !arguments[index + 1].isEmpty else {
                    throw ValidationError(tr("--home needs a folder."))
                }
                setenv("OUTPOST_HOME", FilePath.absolute(arguments[index + 1]), 1)
                index += 2
                continue
            }
            if argument.hasPrefix("--home=") {
                let value = String(argument.dropFirst("--home=".count))
                guard !value.isEmpty else { throw ValidationError(tr("--home needs a folder.")) }
                setenv("OUTPOST_HOME", FilePath.absolute(value), 1)
            } else {
                rest.append(argument)
            }
            index += 1
        }
        return rest
    }
}

/// How a list is printed.
struct ListFormat: ParsableArguments {
    @Flag(help: "One JSON object a line.") var json = false
    @Flag(help: "CSV (RFC 4180) with a heading.") var csv = false

    func validate() throws {
        if json, csv { throw ValidationError(tr("--json and --csv exclude each other.")) }
    }
}
