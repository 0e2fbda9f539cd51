import Testing

/// An authority made for one test, and a certificate for `localhost` that it signed.
struct Certificate {
    let authority: String
    let certificate: String
    let key: String

    init(in folder: Folder) async throws {
        func openssl(_ arguments: String...) async throws {
            let outcome = try await run("openssl", arguments, in: folder)
            try #require(outcome.code == 0, "openssl: \(outcome.err)")
        }
        try await openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj",
            "/CN=test authority")
        try await openssl(
            "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=localhost")
        try folder.write("leaf.ext", "subjectAltName = DNS:localhost, IP:127.0.0.1\n")
        try await openssl(
            "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "leaf.ext", "-out", "leaf.pem")
        authority = folder.file("ca.pem")
        certificate = folder.file("leaf.pem")
        key = folder.file("leaf.key")
    }
}
