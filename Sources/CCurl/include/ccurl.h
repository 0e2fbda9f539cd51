// libcurl, opened when it is first asked for: it brings 25 libraries, which every other start would load for nothing. Also
// what Swift cannot call in it: its variadic functions, and waiting for its socket.
#pragma once
#include <curl/curl.h>
#include <poll.h>

// Opens and starts the library, once in the life of the process; NULL when it is there, else why it is not, in the
// loader's words. Nothing below may be called before it has answered NULL.
const char *CCurl_open(void);

CURL *CCurl_init(void);
CURLcode CCurl_perform(CURL *h);
CURLcode CCurl_recv(CURL *h, void *room, size_t size, size_t *count);
CURLcode CCurl_send(CURL *h, const void *bytes, size_t size, size_t *count);
const char *CCurl_words(CURLcode code);
void CCurl_cleanup(CURL *h);

CURLcode CCurl_text(CURL *h, CURLoption o, const char *v);
CURLcode CCurl_number(CURL *h, CURLoption o, long v);
CURLcode CCurl_pointer(CURL *h, CURLoption o, void *v);
CURLcode CCurl_listener(CURL *h, curl_write_callback v);
CURLcode CCurl_socket(CURL *h, curl_socket_t *v);

// More than 0 when it can be read (or, with `writes`, written); 0 when the time is up.
static inline int CCurl_wait(curl_socket_t s, int writes, int milliseconds) {
    struct pollfd p = {s, writes ? POLLOUT : POLLIN, 0};
    return poll(&p, 1, milliseconds);
}
