// The header's declarations give each pointer its type, so a function that is named wrongly does not compile.
#include "ccurl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

#define FUNCTIONS(each) \
    each(global_init) each(easy_init) each(easy_perform) each(easy_recv) each(easy_send) each(easy_strerror) \
    each(easy_cleanup) each(easy_setopt) each(easy_getinfo)

#define FIELD(name) __typeof__(curl_##name) *name;
static struct { FUNCTIONS(FIELD) } curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void *found(void *library, const char *name) {
    void *function = dlsym(library, name);
    if (!function && !failure[0]) strncpy(failure, dlerror(), sizeof failure - 1);
    return function;
}

static void open_once(void) {
    // The name of its interface since 2006; it is never closed.
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        strncpy(failure, dlerror(), sizeof failure - 1);
        return;
    }
#define RESOLVE(name) curl.name = (__typeof__(curl.name))found(library, "curl_" #name);
    FUNCTIONS(RESOLVE)
    if (!failure[0] && curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        strncpy(failure, "libcurl does not start", sizeof failure - 1);
}

const char *CCurl_open(void) {
    pthread_once(&once, open_once);
    return failure[0] ? failure : NULL;
}

CURL *CCurl_init(void) { return curl.easy_init(); }
CURLcode CCurl_perform(CURL *h) { return curl.easy_perform(h); }
CURLcode CCurl_recv(CURL *h, void *room, size_t size, size_t *count) { return curl.easy_recv(h, room, size, count); }
CURLcode CCurl_send(CURL *h, const void *bytes, size_t size, size_t *count) {
    return curl.easy_send(h, bytes, size, count);
}
const char *CCurl_words(CURLcode code) { return curl.easy_strerror(code); }
void CCurl_cleanup(CURL *h) { curl.easy_cleanup(h); }

CURLcode CCurl_text(CURL *h, CURLoption o, const char *v) { return curl.easy_setopt(h, o, v); }
CURLcode CCurl_number(CURL *h, CURLoption o, long v) { return curl.easy_setopt(h, o, v); }
CURLcode CCurl_pointer(CURL *h, CURLoption o, void *v) { return curl.easy_setopt(h, o, v); }
CURLcode CCurl_listener(CURL *h, curl_write_callback v) { return curl.easy_setopt(h, CURLOPT_HEADERFUNCTION, v); }
CURLcode CCurl_socket(CURL *h, curl_socket_t *v) { return curl.easy_getinfo(h, CURLINFO_ACTIVESOCKET, v); }
