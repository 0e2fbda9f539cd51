// What Swift cannot call in OpenSSL: macros and variadic functions.
#pragma once
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>

static inline int COpenSSL_min_tls_1_2(SSL_CTX *c) { return (int)SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION); }
static inline int COpenSSL_max_tls(SSL_CTX *c, int version) { return (int)SSL_CTX_set_max_proto_version(c, version); }
static inline int COpenSSL_server_name(SSL *s, const char *name) { return (int)SSL_set_tlsext_host_name(s, name); }
// Partial writes, buffers that move between retries, and buffers given back while a connection idles.
static inline void COpenSSL_stream_mode(SSL_CTX *c) {
    SSL_CTX_set_mode(c, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}
// Sessions are offered through the new-session callback only, and kept by us.
static inline void COpenSSL_client_sessions(SSL_CTX *c) {
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}
static inline void COpenSSL_read_ahead(SSL_CTX *c) { SSL_CTX_set_read_ahead(c, 1); }
static inline void COpenSSL_no_renegotiation(SSL_CTX *c) { SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION); }
static inline const char *COpenSSL_cipher(const SSL *s) { return SSL_get_cipher_name(s); }
static inline void COpenSSL_set_note(SSL *s, void *note) { SSL_set_app_data(s, note); }
static inline void *COpenSSL_note(const SSL *s) { return SSL_get_app_data(s); }
static inline EVP_PKEY *COpenSSL_p256_key(void) { return EVP_EC_gen("P-256"); }
static inline void COpenSSL_free(void *p) { OPENSSL_free(p); }
static inline int COpenSSL_add_chain(SSL_CTX *c, X509 *x) { return (int)SSL_CTX_add1_chain_cert(c, x); }
static inline int COpenSSL_reason(unsigned long code) { return ERR_GET_REASON(code); }

// What the system trusts. Its folder of certificates is asked one by one; its file of them all takes 30 ms to read, and is
// read once an issuer is neither in the folder, nor among what was trusted beside, nor sent along by the server.
static inline int COpenSSL_issuer(X509 **issuer, X509_STORE_CTX *c, X509 *x) {
    static pthread_mutex_t reading = PTHREAD_MUTEX_INITIALIZER;
    int found = X509_STORE_CTX_get1_issuer(issuer, c, x);
    if (found != 0) return found;
    STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(c);
    for (int i = 0; i < sk_X509_num(sent); i++) {
        X509 *y = sk_X509_value(sent, i);
        int ends = X509_NAME_cmp(X509_get_subject_name(y), X509_get_issuer_name(y)) == 0;
        if (!ends && X509_check_issued(y, x) == X509_V_OK) return 0;
    }
    X509_STORE *store = X509_STORE_CTX_get0_store(c);
    pthread_mutex_lock(&reading);
    if (X509_STORE_get_ex_data(store, 0) == NULL) {
        X509_LOOKUP *file = X509_STORE_add_lookup(store, X509_LOOKUP_file());
        if (file) X509_LOOKUP_load_file(file, NULL, X509_FILETYPE_DEFAULT);
        ERR_clear_error();
        X509_STORE_set_ex_data(store, 0, store);
    }
    pthread_mutex_unlock(&reading);
    return X509_STORE_CTX_get1_issuer(issuer, c, x);
}
static inline void COpenSSL_trust_system(SSL_CTX *c) {
    X509_STORE *store = SSL_CTX_get_cert_store(c);
    X509_LOOKUP *folder = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir());
    if (folder) X509_LOOKUP_add_dir(folder, NULL, X509_FILETYPE_DEFAULT);
    X509_STORE_set_get_issuer(store, COpenSSL_issuer);
    ERR_clear_error();
}
