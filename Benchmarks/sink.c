// An SMTP server that accepts everything and keeps nothing: one thread, one epoll, so that it is never what is measured.
//
//   sink [-c COUNTFILE] [-k CERT.pem] [-p PORT] [-d MICROSECONDS]
//
// Listens on 127.0.0.1, says its port on stdout and runs until killed. PIPELINING, 8BITMIME, SIZE; STARTTLS with -k, whose file
// holds key and certificate. -d: so long after the final dot comes its reply, on each connection for itself. COUNTFILE is mapped by
// whoever wants to watch; 64-bit numbers: messages, bytes accepted, connections, TLS handshakes, those that resumed a session.
// Build: cc -O2 -o sink sink.c -lssl -lcrypto
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { INPUT = 65536, OUTPUT = 16384 };

struct peer {
  int fd, data, quitting, handshaking, wants_write, over;
  uint64_t due;        // when its reply to the final dot goes out; 0: none is owed, and input may be read on
  struct peer *after;  // the next one in the line of those that wait
  SSL *tls;
  size_t held, matched, owed;  // input held, bytes of CRLF.CRLF matched, output not yet written
  char input[INPUT], output[OUTPUT];
};

enum { MESSAGES, BYTES, CONNECTIONS, HANDSHAKES, RESUMED, COUNTS };
static volatile uint64_t *counts;
static uint64_t delay;                     // nanoseconds
static struct peer *waiting, *last, timer_mark;  // the delay is the same for all, so who came first is due first
static int timer;
static SSL_CTX *context;
static int poller;

static void die(const char *what) { perror(what); exit(1); }

static void say(struct peer *p, const char *text) {
  size_t n = strlen(text);
  if (p->owed + n > OUTPUT) return;  // a client that never reads its replies
  memcpy(p->output + p->owed, text, n);
  p->owed += n;
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void arm(void) {
  struct itimerspec when = {.it_value = {.tv_sec = (time_t)(waiting->due / 1000000000u), .tv_nsec = (long)(waiting->due % 1000000000u)}};
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void end(struct peer *p) {
  if (p->fd >= 0) {
    if (p->tls) SSL_free(p->tls);
    close(p->fd);
    p->fd = -1;
  }
  if (p->due) p->over = 1;  // it still stands in the line
  else free(p);
}

// What a read or write of either kind came to: > 0 bytes, 0 try later, -1 over.
static ssize_t result(struct peer *p, ssize_t n) {
  if (n > 0) return n;
  if (p->tls) {
    int why = SSL_get_error(p->tls, (int)n);
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
  }
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static int flush(struct peer *p) {
  while (p->owed) {
    ssize_t n = p->tls ? SSL_write(p->tls, p->output, (int)p->owed) : send(p->fd, p->output, p->owed, MSG_NOSIGNAL);
    n = result(p, n);
    if (n < 0) return -1;
    if (n == 0) break;
    p->owed -= (size_t)n;
    memmove(p->output, p->output + n, p->owed);
  }
  int wants = p->owed > 0;
  if (wants != p->wants_write) {
    struct epoll_event e = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = p};
    epoll_ctl(poller, EPOLL_CTL_MOD, p->fd, &e);
    p->wants_write = wants;
  }
  return p->quitting && !p->owed ? -1 : 0;
}

static void command(struct peer *p, const char *line, size_t n) {
  (void)n;
  if (!strncasecmp(line, "MAIL", 4)) say(p, "250 2.1.0 Ok\r\n");
  else if (!strncasecmp(line, "RCPT", 4)) say(p, "250 2.1.5 Ok\r\n");
  else if (!strncasecmp(line, "DATA", 4)) { say(p, "354 End data with <CR><LF>.<CR><LF>\r\n"); p->data = 1; p->matched = 2; }
  else if (!strncasecmp(line, "EHLO", 4))
    say(p, context && !p->tls ? "250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-ENHANCEDSTATUSCODES\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
                              : "250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n");
  else if (!strncasecmp(line, "HELO", 4)) say(p, "250 sink\r\n");
  else if (!strncasecmp(line, "RSET", 4) || !strncasecmp(line, "NOOP", 4)) say(p, "250 2.0.0 Ok\r\n");
  else if (!strncasecmp(line, "QUIT", 4)) { say(p, "221 2.0.0 Bye\r\n"); p->quitting = 1; }
  else if (!strncasecmp(line, "STARTTLS", 8) && context && !p->tls) { say(p, "220 2.0.0 Ready\r\n"); p->handshaking = 1; }
  else say(p, "502 5.5.2 Not here\r\n");
}

// The index after CRLF.CRLF, or 0 where the message goes on; what was matched of it is kept between reads.
static size_t message_end(struct peer *p, const char *bytes, size_t n) {
  static const char mark[] = "\r\n.\r\n";
  size_t i = 0;
  while (i < n) {
    if (p->matched == 0) {
      const char *at = memchr(bytes + i, '\r', n - i);
      if (!at) return 0;
      i = (size_t)(at - bytes) + 1;
      p->matched = 1;
      continue;
    }
    if (bytes[i] == mark[p->matched]) {
      i++;
      if (++p->matched == 5) { p->matched = 0; return i; }
    } else {
      p->matched = bytes[i] == '\r' ? 1 : 0;
      i++;
    }
  }
  return 0;
}

static void digest(struct peer *p) {
  size_t at = 0;
  while (at < p->held && !p->handshaking && !p->due) {
    if (p->data) {
      size_t n = message_end(p, p->input + at, p->held - at);
      counts[BYTES] += n ? n : p->held - at;
      if (!n) { at = p->held; break; }
      at += n;
      p->data = 0;
      counts[MESSAGES]++;
      if (!delay) { say(p, "250 2.0.0 Ok: taken\r\n"); continue; }
      p->due = now() + delay;
      p->after = NULL;
      if (waiting) last->after = p;
      else { waiting = p; arm(); }
      last = p;
    } else {
      char *line = p->input + at, *stop = memchr(line, '\n', p->held - at);
      if (!stop) {
        if (at == 0 && p->held == INPUT) at = p->held;  // a line without end is thrown away
        break;
      }
      *stop = 0;
      command(p, line, (size_t)(stop - line));
      at += (size_t)(stop - line) + 1;
    }
  }
  if (p->handshaking) at = p->held;  // what came before the handshake does not count after it
  p->held -= at;
  memmove(p->input, p->input + at, p->held);
}

static int serve(struct peer *p) {
  for (;;) {
    if (p->handshaking == 2) {
      int n = SSL_accept(p->tls);
      if (n != 1) return result(p, n) == 0 ? 0 : -1;
      p->handshaking = 0;
      counts[HANDSHAKES]++;
      counts[RESUMED] += (uint64_t)SSL_session_reused(p->tls);
    }
    if (p->due && p->held == INPUT) return flush(p);  // read on when its reply has gone out
    ssize_t n = p->tls ? SSL_read(p->tls, p->input + p->held, (int)(INPUT - p->held)) : recv(p->fd, p->input + p->held, INPUT - p->held, 0);
    n = result(p, n);
    if (n < 0) return -1;
    if (n == 0) return flush(p);
    p->held += (size_t)n;
    digest(p);
    if (flush(p)) return -1;
    if (p->handshaking == 1) {
      p->tls = SSL_new(context);
      SSL_set_fd(p->tls, p->fd);
      SSL_set_accept_state(p->tls);
      p->handshaking = 2;
    } else if (!p->tls && p->held < INPUT && n < INPUT / 2) return 0;  // level-triggered: what is left wakes us again
  }
}

// Whose time has come gets its reply, and what it sent since is read.
static void answer(void) {
  uint64_t n;
  while (read(timer, &n, sizeof n) > 0) {}
  while (waiting && waiting->due <= now()) {
    struct peer *p = waiting;
    waiting = p->after;
    p->due = 0;
    if (p->over) { end(p); continue; }
    say(p, "250 2.0.0 Ok: taken\r\n");
    digest(p);
    if (flush(p) || serve(p)) end(p);
  }
  if (waiting) arm();
}

int main(int argc, char **argv) {
  const char *count_file = NULL, *certificate = NULL;
  int port = 0, option;
  while ((option = getopt(argc, argv, "c:k:p:d:")) != -1) {
    if (option == 'c') count_file = optarg;
    else if (option == 'k') certificate = optarg;
    else if (option == 'p') port = atoi(optarg);
    else if (option == 'd') delay = strtoull(optarg, NULL, 10) * 1000;
    else return 64;
  }
  signal(SIGPIPE, SIG_IGN);
  int file = count_file ? open(count_file, O_RDWR | O_CREAT, 0600) : -1;
  if (count_file && (file < 0 || ftruncate(file, COUNTS * 8))) die(count_file);
  counts = mmap(NULL, COUNTS * 8, PROT_READ | PROT_WRITE, file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, file, 0);
  if (counts == MAP_FAILED) die("mmap");
  if (certificate) {
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);  // else two reads a record
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"sink", 4);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 || SSL_CTX_use_PrivateKey_file(context, certificate, SSL_FILETYPE_PEM) != 1) {
      fprintf(stderr, "sink: %s holds no key and certificate\n", certificate);
      return 1;
    }
  }
  int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 1024)) die("listen");
  getsockname(listener, (struct sockaddr *)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  poller = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN, .data.ptr = NULL};
  epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e);
  timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
  struct epoll_event tick = {.events = EPOLLIN, .data.ptr = &timer_mark};
  epoll_ctl(poller, EPOLL_CTL_ADD, timer, &tick);
  for (;;) {
    struct epoll_event ready[256];
    int n = epoll_wait(poller, ready, 256, -1);
    for (int i = 0; i < n; i++) {
      struct peer *p = ready[i].data.ptr;
      if (p == &timer_mark) continue;
      if (p) {
        if (((ready[i].events & EPOLLOUT) && flush(p)) || serve(p)) end(p);
        continue;
      }
      int fd;
      while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        struct peer *fresh = malloc(sizeof *fresh);
        if (!fresh) { close(fd); continue; }
        memset(fresh, 0, offsetof(struct peer, input));
        fresh->fd = fd;
        struct epoll_event add = {.events = EPOLLIN, .data.ptr = fresh};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &add);
        say(fresh, "220 sink ESMTP\r\n");
        counts[CONNECTIONS]++;
        if (flush(fresh)) end(fresh);
      }
    }
    // After the others: it may end one that is still among what was ready.
    if (waiting) answer();
  }
}
