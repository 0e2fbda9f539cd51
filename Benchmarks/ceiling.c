// How fast one C thread can drain a durable SQLite queue on this machine: it leases rows, fills a template, hands the messages over
// on pipelined connections and settles them, with synchronous=FULL and many messages a commit. A reference for the benchmark: no
// log of attempts, no caps, no retries, no TLS, and a reply it does not like ends it.
//
//   ceiling PORT DATABASE TEMPLATE CONNECTIONS BATCH
//
// DATABASE: table person (id INTEGER PRIMARY KEY, email, name, company, city, code, state DEFAULT 0, at DEFAULT 0). TEMPLATE: a whole
// message with {{field}} in it. Prints how many it sent and in how many commits.
// Build: cc -O2 -o ceiling ceiling.c -lsqlite3
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FIELDS = 5, PARTS = 4096, MESSAGE = 1 << 17 };
static const char *const names[FIELDS] = {"email", "name", "company", "city", "code"};

struct person {
  sqlite3_int64 id;
  char text[FIELDS][160];
};

struct part {  // of the template: text, or where a field goes
  const char *text;
  size_t size;
  int field;
};

struct line {  // one connection
  int fd, replies, wants_write, leaving;
  struct person now, next;
  int has_next;
  size_t have, from, to;
  char input[4096];
  char output[MESSAGE + 8192];
};

static struct part parts[PARTS];
static int part_count, batch;
static sqlite3 *db;
static sqlite3_stmt *find, *lease, *settle, *start, *commit;
static struct person *stock;
static sqlite3_int64 *done, behind;
static int stock_at, stock_count, done_count, open_lines, poller;
static long sent, commits;
static double last_commit;

static void fail(const char *what) {
  fprintf(stderr, "ceiling: %s: %s\n", what, db && sqlite3_errcode(db) > 0 && sqlite3_errcode(db) < 100 ? sqlite3_errmsg(db) : strerror(errno));
  exit(1);
}

static double clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *made;
  if (sqlite3_prepare_v2(db, sql, -1, &made, NULL) != SQLITE_OK) fail(sql);
  return made;
}

static void run(sqlite3_stmt *statement) {
  if (sqlite3_step(statement) != SQLITE_DONE) fail(sqlite3_sql(statement));
  sqlite3_reset(statement);
}

static void settle_all(void) {
  if (!done_count) return;
  run(start);
  for (int i = 0; i < done_count; i++) {
    sqlite3_bind_double(settle, 1, clock_now());
    sqlite3_bind_int64(settle, 2, done[i]);
    run(settle);
  }
  run(commit);
  commits++;
  done_count = 0;
  last_commit = clock_now();
}

// The next person, leased in a commit of its own with the rest of a batch; 0 when there is none.
static int take(struct person *person) {
  if (stock_at == stock_count) {
    stock_at = stock_count = 0;
    sqlite3_bind_int64(find, 1, behind);
    sqlite3_bind_int(find, 2, batch);
    while (sqlite3_step(find) == SQLITE_ROW) {
      struct person *p = &stock[stock_count++];
      p->id = sqlite3_column_int64(find, 0);
      for (int i = 0; i < FIELDS; i++) snprintf(p->text[i], sizeof p->text[i], "%s", (const char *)sqlite3_column_text(find, i + 1));
    }
    sqlite3_reset(find);
    if (!stock_count) return 0;
    behind = stock[stock_count - 1].id;
    run(start);
    sqlite3_bind_int64(lease, 1, stock[0].id);
    sqlite3_bind_int64(lease, 2, behind);
    run(lease);
    run(commit);
    commits++;
  }
  *person = stock[stock_at++];
  return 1;
}

static void put(struct line *l, const char *text, size_t size) {
  if (l->to + size > sizeof l->output) fail("a message too large for this program");
  memcpy(l->output + l->to, text, size);
  l->to += size;
}

static void put_envelope(struct line *l, const struct person *p) {
  char text[400];
  put(l, text, (size_t)snprintf(text, sizeof text, "MAIL FROM:<news@example.org>\r\nRCPT TO:<%s>\r\nDATA\r\n", p->text[0]));
}

// The message of the one whose DATA was answered, and behind it the envelope of the next.
static void put_message(struct line *l) {
  for (int i = 0; i < part_count; i++) {
    if (parts[i].field < 0) put(l, parts[i].text, parts[i].size);
    else put(l, l->now.text[parts[i].field], strlen(l->now.text[parts[i].field]));
  }
  put(l, "\r\n.\r\n", 5);
  l->has_next = take(&l->next);
  if (l->has_next) put_envelope(l, &l->next);
}

static void quit(struct line *l) {
  put(l, "QUIT\r\n", 6);
  l->leaving = 1;
}

// Replies come in a fixed order: greeting, EHLO, then MAIL, RCPT, DATA and the dot of each message.
static void reply(struct line *l, char kind) {
  if (kind > '3') fail("the server refused something");
  int n = l->replies++;
  if (l->leaving && n >= 2 && (n - 2) % 4 == 0) return;
  if (n == 0) put(l, "EHLO ceiling\r\n", 14);
  else if (n == 1) {
    if (take(&l->now)) put_envelope(l, &l->now);
    else quit(l);
  } else if ((n - 2) % 4 == 2) put_message(l);
  else if ((n - 2) % 4 == 3) {
    done[done_count++] = l->now.id;
    sent++;
    if (done_count == batch || clock_now() - last_commit > 0.1) settle_all();
    if (l->has_next) l->now = l->next;
    else quit(l);
  }
}

static void flush_line(struct line *l) {
  while (l->from < l->to) {
    ssize_t n = send(l->fd, l->output + l->from, l->to - l->from, MSG_NOSIGNAL);
    if (n > 0) l->from += (size_t)n;
    else if (errno == EAGAIN) break;
    else fail("send");
  }
  int wants = l->from < l->to;
  if (!wants) l->from = l->to = 0;
  if (wants == l->wants_write) return;
  struct epoll_event e = {.events = EPOLLIN | (wants ? EPOLLOUT : 0), .data.ptr = l};
  epoll_ctl(poller, EPOLL_CTL_MOD, l->fd, &e);
  l->wants_write = wants;
}

static void hear(struct line *l) {
  ssize_t n = recv(l->fd, l->input + l->have, sizeof l->input - l->have, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    close(l->fd);
    open_lines--;
    return;
  }
  l->have += (size_t)n;
  char *at = l->input, *stop = l->input + l->have, *end;
  while ((end = memchr(at, '\n', (size_t)(stop - at)))) {
    if (end - at > 3 && at[3] == ' ') reply(l, at[0]);
    at = end + 1;
  }
  l->have = (size_t)(stop - at);
  memmove(l->input, at, l->have);
  flush_line(l);
}

static void read_template(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) fail(path);
  char *text = calloc(1, MESSAGE);
  if (fread(text, 1, MESSAGE - 1, file) == 0) fail(path);
  fclose(file);
  while (*text && part_count < PARTS - 1) {
    char *open = strstr(text, "{{"), *shut = open ? strstr(open, "}}") : NULL;
    parts[part_count++] = (struct part){text, shut ? (size_t)(open - text) : strlen(text), -1};
    if (!shut) break;
    for (int i = 0; i < FIELDS; i++)
      if (strlen(names[i]) == (size_t)(shut - open - 2) && !memcmp(names[i], open + 2, (size_t)(shut - open - 2)))
        parts[part_count++] = (struct part){NULL, 0, i};
    text = shut + 2;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) return 64;
  int connections = atoi(argv[4]);
  batch = atoi(argv[5]);
  stock = calloc((size_t)batch, sizeof *stock);
  done = calloc((size_t)batch, sizeof *done);
  read_template(argv[3]);
  if (sqlite3_open(argv[2], &db) != SQLITE_OK) fail(argv[2]);
  if (sqlite3_exec(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;", NULL, NULL, NULL) != SQLITE_OK) fail("pragmas");
  find = prepare("SELECT id, email, name, company, city, code FROM person WHERE id > ? AND state = 0 ORDER BY id LIMIT ?");
  lease = prepare("UPDATE person SET state = 1 WHERE id BETWEEN ? AND ? AND state = 0");
  settle = prepare("UPDATE person SET state = 2, at = ? WHERE id = ?");
  start = prepare("BEGIN IMMEDIATE");
  commit = prepare("COMMIT");
  poller = epoll_create1(0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  last_commit = clock_now();
  for (int i = 0, one = 1; i < connections; i++) {
    struct line *l = calloc(1, sizeof *l);
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(l->fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    fcntl(l->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
    epoll_ctl(poller, EPOLL_CTL_ADD, l->fd, &e);
    open_lines++;
  }
  while (open_lines) {
    struct epoll_event ready[256];
    int n = epoll_wait(poller, ready, 256, 30000);
    if (n == 0) fail("30 s without a reply");
    for (int i = 0; i < n; i++) {
      struct line *l = ready[i].data.ptr;
      if (ready[i].events & EPOLLOUT) flush_line(l);
      if (ready[i].events & ~(uint32_t)EPOLLOUT) hear(l);
    }
  }
  settle_all();
  printf("%ld messages in %ld commits\n", sent, commits);
  return 0;
}
