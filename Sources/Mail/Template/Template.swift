/// How a field's value is written into its surroundings.
enum FieldForm: UInt8, Sendable, Hashable {
    /// As it is: plain text, and `{{{…}}}`.
    case plain
    /// `& < > " '` as entities.
    case html
    /// Percent-encoded whole (RFC 3986 §2.1), for a part of a URL.
    case url
    /// A whole URL or its path: only what may not stand in one is percent-encoded, then entities.
    case link
}

/// A column in one form.
struct FieldUse: Sendable, Hashable {
    let column: Int
    let form: FieldForm
}

/// A template cut into literals and tags, its names resolved to columns.
struct Template: Sendable {
    enum Item: Sendable, Hashable {
        case literal([UInt8])
        case field(FieldUse)
        /// `{{#column}}` (`inverted`: `{{^column}}`): what follows up to `end` stands only when the column is not empty.
        case section(column: Int, inverted: Bool)
        case end(column: Int)
        case comment
    }

    var items: [Item]

    /// Only literals and fields: the form that is rendered without the library.
    var isPlain: Bool {
        items.allSatisfy {
            switch $0 {
            case .literal, .field: true
            default: false
            }
        }
    }

    var hasFields: Bool {
        items.contains {
            if case .literal = $0 { false } else { true }
        }
    }

    /// Cuts a template; what is wrong with it goes to `faults`, so that all of it is found in one go.
    init(_ source: String, part: String, form: FieldForm, columns: ColumnNames, faults: inout [ContentFault]) {
        var scanner = TemplateScanner(source, part: part, form: form, columns: columns)
        scanner.scan()
        items = scanner.items
        faults += scanner.faults
    }

    init(items: [Item]) { self.items = items }
}
