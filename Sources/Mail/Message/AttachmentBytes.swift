/// The bytes of an attached file.
public struct AttachmentBytes: Sendable {
    public var bytes: [UInt8]
    /// By the file name's extension when nil.
    public var mediaType: String?

    public init(_ bytes: [UInt8], mediaType: String? = nil) {
        self.bytes = bytes
        self.mediaType = mediaType
    }
}

/// Finds an attachment by its name as written in the campaign, placeholders filled. Called once for a name without
/// placeholders, once a message for one with; from any thread.
public typealias AttachmentLoader = @Sendable (_ name: String) throws -> AttachmentBytes

/// The loader of a campaign that was given none.
public struct NoAttachments: Error, CustomStringConvertible {
    let name: String

    public init(name: String) { self.name = name }

    public var description: String { "\(name) cannot be read here" }
}
