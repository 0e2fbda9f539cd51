import Foundation
import Testing

/// A delivered message as Python's `email` package understands it: a reader that is none of ours.
struct Delivered {
    let to: String
    let subject: String
    let text: String
    let html: String
    let attachments: [(name: String, type: String, bytes: [UInt8])]
    let headers: [String: String]
    let defects: [String]

    private static let reader = """
        import sys, json, base64, email, email.policy
        for path in sys.stdin.read().splitlines():
            raw = open(path, 'rb').read()
            m = email.message_from_bytes(raw, policy=email.policy.default)
            defects = [repr(d) for part in m.walk() for d in part.defects]
            for name, value in m.items():
                defects += [f'{name}: {d!r}' for d in getattr(value, 'defects', ())]
                try: value.encode('utf-8')
                except UnicodeError as e: defects.append(f'{name}: {e!r}')
            body = lambda kind: (p.get_content() if (p := m.get_body((kind,))) is not None else '')
            attached = [dict(name=a.get_filename() or '', type=a.get_content_type(),
                             bytes=base64.b64encode(a.get_payload(decode=True) or b'').decode()) for a in m.iter_attachments()]
            for line in raw.split(b'\\n'):
                if len(line) > 999: defects.append('a line of %d bytes' % len(line))
            print(json.dumps(dict(to=str(m['to']), subject=str(m['subject']), text=body('plain'), html=body('html'),
                                  attachments=attached, headers={k.lower(): str(v) for k, v in m.items()}, defects=defects)))
        """

    static func read(_ paths: [String], in folder: Folder) async throws -> [Delivered] {
        let outcome = try await run("python3", ["-c", reader], in: folder, input: paths.joined(separator: "\n"))
        try #require(outcome.code == 0, "python3: \(outcome.err)")
        return try outcome.objects().map { json in
            Delivered(
                to: json.string("to") ?? "", subject: json.string("subject") ?? "", text: json.string("text") ?? "",
                html: json.string("html") ?? "",
                attachments: json.list("attachments").map {
                    (
                        $0.string("name") ?? "", $0.string("type") ?? "",
                        Array(Data(base64Encoded: $0.string("bytes") ?? "") ?? Data())
                    )
                },
                headers: json.values["headers"] as? [String: String] ?? [:],
                defects: json.values["defects"] as? [String] ?? [])
        }
    }
}
