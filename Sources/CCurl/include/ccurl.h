// What Swift cannot call in libcurl: its variadic functions, and waiting for its socket.
#pragma once
#include <curl/curl.h>
#include <poll.h>

static inline CURLcode CCurl_text(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode CCurl_number(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode CCurl_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode CCurl_listener(CURL *h, curl_write_callback v) {
    return curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, v);
}
static inline CURLcode CCurl_socket(CURL *h, curl_socket_t *v) { return curl_easy_getinfo(h, CURLINFO_ACTIVESOCKET, v); }
// More than 0 when it can be read (or, with `writes`, written); 0 when the time is up.
static inline int CCurl_wait(curl_socket_t s, int writes, int milliseconds) {
    struct pollfd p = {s, writes ? POLLOUT : POLLIN, 0};
    return poll(&p, 1, milliseconds);
}
