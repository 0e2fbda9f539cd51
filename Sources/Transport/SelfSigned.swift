import COpenSSL

extension TLSContext {
    /// A new P-256 certificate for the given DNS names and addresses in numbers, signed with its own key, and that key: both
    /// as PEM. It may be used as an anchor (`ca_file`). `lifetime` is from `start`, both in seconds from now for `start`.
    public static func selfSigned(
        names: [String] = ["localhost", "127.0.0.1"], start: Int = -3600, lifetime: Int = 366 * 86_400
    ) throws -> (certificatePEM: String, keyPEM: String) {
        ERR_clear_error()
        let failed = { TransportError(.tls, fault: .badCertificate, "no certificate could be made: \(lastTLSError())") }
        guard let key = COpenSSL_p256_key() else { throw failed() }
        defer { EVP_PKEY_free(key) }
        guard let certificate = X509_new() else { throw failed() }
        defer { X509_free(certificate) }
        var serial: UInt64 = 0
        withUnsafeMutableBytes(of: &serial) { _ = RAND_bytes($0.bindMemory(to: UInt8.self).baseAddress, 8) }
        let name = X509_get_subject_name(certificate)
        let common = Array((names.first ?? "localhost").utf8)
        guard X509_set_version(certificate, 2) == 1,
            ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1 | 1) == 1,
            X509_gmtime_adj(X509_getm_notBefore(certificate), start) != nil,
            X509_gmtime_adj(X509_getm_notAfter(certificate), start + lifetime) != nil,
            X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC, common, Int32(common.count), -1, 0) == 1,
            X509_set_issuer_name(certificate, name) == 1, X509_set_pubkey(certificate, key) == 1
        else { throw failed() }
        let alternatives = names.map { (SocketAddress($0, port: 0) == nil ? "DNS:" : "IP:") + $0 }
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, certificate, certificate, nil, nil, 0)
        for (kind, value) in [
            (NID_basic_constraints, "critical,CA:TRUE"),
            (NID_key_usage, "critical,digitalSignature,keyCertSign"),
            (NID_ext_key_usage, "serverAuth"),
            (NID_subject_key_identifier, "hash"),
            (NID_subject_alt_name, alternatives.joined(separator: ",")),
        ] {
            guard let part = X509V3_EXT_conf_nid(nil, &context, kind, value) else { throw failed() }
            defer { X509_EXTENSION_free(part) }
            guard X509_add_ext(certificate, part, -1) == 1 else { throw failed() }
        }
        guard X509_sign(certificate, key, EVP_sha256()) > 0 else { throw failed() }
        return (
            try PEM.text { PEM_write_bio_X509($0, certificate) },
            try PEM.text { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
        )
    }
}

extension PEM {
    static func text(_ write: (OpaquePointer?) -> Int32) throws -> String {
        guard let bio = BIO_new(BIO_s_mem()) else {
            throw TransportError(.tls, fault: .badCertificate, "no memory for a certificate")
        }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else {
            throw TransportError(.tls, fault: .badCertificate, "a certificate could not be written: \(lastTLSError())")
        }
        var text = [UInt8](repeating: 0, count: 16_384)
        let count = BIO_read(bio, &text, Int32(text.count))
        return String(decoding: text.prefix(max(0, Int(count))), as: UTF8.self)
    }
}
