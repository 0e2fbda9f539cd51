extension MessagePlan {
    /// From the first Content-Type on.
    func writeBody(
        _ boundary: Boundary, _ values: inout FieldValues, _ row: FieldRow, _ mixer: inout Mixer,
        _ writer: inout ByteWriter
    ) throws {
        guard !attachments.isEmpty else {
            writeText(boundary, &values, row, &mixer, &writer)
            return
        }
        boundary.putHead("mixed", "m", to: &writer)
        boundary.putDelimiter("m", first: true, to: &writer)
        writeText(boundary, &values, row, &mixer, &writer)
        for attachment in attachments {
            boundary.putDelimiter("m", to: &writer)
            try attachment.write(values, row, to: &writer)
        }
        boundary.putDelimiter("m", last: true, to: &writer)
    }

    private func writeText(
        _ boundary: Boundary, _ values: inout FieldValues, _ row: FieldRow, _ mixer: inout Mixer,
        _ writer: inout ByteWriter
    ) {
        guard let text, let html else {
            text?.write(&values, row, &mixer, to: &writer)
            html?.write(&values, row, &mixer, to: &writer)
            return
        }
        boundary.putHead("alternative", "a", to: &writer)
        boundary.putDelimiter("a", first: true, to: &writer)
        text.write(&values, row, &mixer, to: &writer)
        boundary.putDelimiter("a", to: &writer)
        html.write(&values, row, &mixer, to: &writer)
        boundary.putDelimiter("a", last: true, to: &writer)
    }
}
