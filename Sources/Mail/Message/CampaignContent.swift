import FoundationEssentials

/// What a campaign sends, as frozen with it: every text by value, files by name and hash. Its JSON form is
/// deterministic, so that equal content has an equal hash.
public struct CampaignContent: Codable, Sendable, Hashable {
    /// How a recipient leaves the list (RFC 2369, RFC 8058). Both are templates.
    public struct Unsubscribe: Codable, Sendable, Hashable {
        /// An https address; values put into it are percent-encoded.
        public var url: String?
        /// A mail address, with or without `mailto:`.
        public var mailto: String?

        public init(url: String? = nil, mailto: String? = nil) {
            self.url = url
            self.mailto = mailto
        }
    }

    /// `Name <local@domain>`, without placeholders.
    public var from: String
    public var replyTo: String?
    /// A template, as are `text`, `html`, `markdown`, header values and attachment names.
    public var subject: String
    public var text: String?
    public var html: String?
    /// Makes both parts; `text` or `html`, where given too, replace the part made from it.
    public var markdown: String?
    /// Further header fields, name to value.
    public var headers: [String: String]
    public var unsubscribe: Unsubscribe?
    /// File names relative to the campaign's folder, each a template.
    public var attachments: [String]
    /// SHA-256 of each attached file, by its name with all placeholders filled; for whoever stores and looks them up.
    public var attachmentHashes: [String: String]
    /// What `text`, `html` and `markdown` are called in error messages; no part of the hash.
    public var sourceNames: SourceNames?

    public struct SourceNames: Codable, Sendable, Hashable {
        public var text: String?
        public var html: String?
        public var markdown: String?

        public init(text: String? = nil, html: String? = nil, markdown: String? = nil) {
            self.text = text
            self.html = html
            self.markdown = markdown
        }
    }

    public init(
        from: String, replyTo: String? = nil, subject: String, text: String? = nil, html: String? = nil,
        markdown: String? = nil, headers: [String: String] = [:], unsubscribe: Unsubscribe? = nil,
        attachments: [String] = [], attachmentHashes: [String: String] = [:], sourceNames: SourceNames? = nil
    ) {
        self.from = from
        self.replyTo = replyTo
        self.subject = subject
        self.text = text
        self.html = html
        self.markdown = markdown
        self.headers = headers
        self.unsubscribe = unsubscribe
        self.attachments = attachments
        self.attachmentHashes = attachmentHashes
        self.sourceNames = sourceNames
    }

    /// The JSON form, keys sorted: what a queue stores.
    public func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return [UInt8](try encoder.encode(self))
    }

    /// Reads what `encoded` wrote.
    public init(decoding bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(CampaignContent.self, from: Data(bytes))
    }

    /// SHA-256 (hex) over everything that changes what recipients get.
    public var hash: String {
        get throws {
            var bare = self
            bare.sourceNames = nil
            return try Digest.sha256(bare.encoded())
        }
    }
}
