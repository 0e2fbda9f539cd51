import ArgumentParser
import Glibc

/// What the argument parser says (help, faults of use), in the user's language. The parser's texts cannot be replaced, but
/// it gives them unwrapped; each line is translated and wrapped anew, by columns instead of characters.
enum ParserText {
    /// Where the parser puts what an option does.
    private static let column = 26

    /// Ends the process as the parser would.
    static func leave(_ error: any Error) -> Never {
        guard Translation.current.catalogue != nil else { Outpost.exit(withError: error) }
        let text = translated(Outpost.fullMessage(for: error, columns: 100_000), width: width)
        let code = Outpost.exitCode(for: error)
        if !text.isEmpty {
            if code == .success { try? StandardOutput.print(text + "\n") } else { Notice.line(text) }
        }
        exit(code.rawValue)
    }

    private static var width: Int { isatty(1) == 1 ? max(50, Notice.width) : 80 }

    static func translated(_ text: String, width: Int) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        return lines.indices.map { index in
            line(lines[index], before: index + 1 < lines.count ? lines[index + 1] : "", width)
        }.joined(separator: "\n")
    }

    private static func line(_ line: String, before next: String, _ width: Int) -> String {
        let margin = String(repeating: " ", count: column)
        if line.hasPrefix(margin) { return wrapped(meaning(String(line.dropFirst(column))), behind: margin, width) }
        if line.hasPrefix("  ") {
            let label = String(line.prefix(column))
            if line.count > column, label.hasSuffix(" "), !next.hasPrefix(margin) {
                return wrapped(meaning(String(line.dropFirst(column))), behind: label, width)
            }
            let text = line.drop { $0 == " " }
            return line.prefix(line.count - text.count) + told(String(text))
        }
        for head in ["Help:  ", "Error: "] where line.hasPrefix(head) {
            return told(head + label(joined(String(line.dropFirst(head.count)))))
        }
        return CellWidth.wrap(told(line), width).joined(separator: "\n")
    }

    /// The parser puts English words and commas between the values it names.
    private static func joined(_ text: String) -> String {
        guard let list = text.firstRange(of: "Please provide one of ") else { return text }
        var values = String(text[list.upperBound...])
        for between in [("', '", tr("', '")), ("' or '", tr("' or '")), ("' and '", tr("' and '"))] {
            values = values.replacing(between.0, with: between.1)
        }
        return text[..<list.upperBound] + values
    }

    /// `--limit <n>  Stop after so many.`
    private static func label(_ text: String) -> String {
        guard let gap = text.firstRange(of: "  ") else { return told(text) }
        return text[..<gap.upperBound] + told(String(text[gap.upperBound...]))
    }

    /// What an option does, and which values it takes.
    private static func meaning(_ text: String) -> String {
        for head in ["(values: ", "(default: "] {
            guard text.hasSuffix(")"), let start = text.firstRange(of: head)?.lowerBound else { continue }
            return told(String(text[..<start].trimmingSpaces)) + told(String(text[start...]))
        }
        return told(text)
    }

    private static func wrapped(_ text: String, behind label: String, _ width: Int) -> String {
        let margin = String(repeating: " ", count: column)
        return CellWidth.wrap(text, max(20, width - column)).enumerated().map { number, line in
            (number == 0 ? label : margin) + line
        }.joined(separator: "\n")
    }
}
