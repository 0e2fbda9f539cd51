/// Media types by file name extension (IANA registry), for attachments.
enum MediaType {
    static func named(_ fileName: String) -> String {
        guard let dot = fileName.lastIndex(of: ".") else { return fallback }
        return table[fileName[fileName.index(after: dot)...].lowercased()] ?? fallback
    }

    static let fallback = "application/octet-stream"

    private static let table: [String: String] = [
        "pdf": "application/pdf", "zip": "application/zip", "gz": "application/gzip",
        "7z": "application/x-7z-compressed",
        "rar": "application/vnd.rar", "json": "application/json", "xml": "application/xml", "rtf": "application/rtf",
        "doc": "application/msword", "xls": "application/vnd.ms-excel", "ppt": "application/vnd.ms-powerpoint",
        "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "odt": "application/vnd.oasis.opendocument.text", "ods": "application/vnd.oasis.opendocument.spreadsheet",
        "odp": "application/vnd.oasis.opendocument.presentation", "epub": "application/epub+zip",
        "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
        "svg": "image/svg+xml", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "heic": "image/heic",
        "txt": "text/plain", "csv": "text/csv", "html": "text/html", "htm": "text/html", "md": "text/markdown",
        "ics": "text/calendar", "vcf": "text/vcard", "mp3": "audio/mpeg", "m4a": "audio/mp4", "wav": "audio/wav",
        "ogg": "audio/ogg", "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    ]
}
