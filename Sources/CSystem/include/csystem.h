// What Glibc's Swift overlay cannot call: variadic fcntl and ioctl, and macros.
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// fcntl is variadic; open-file-description locks belong to the descriptor and end with its process.
static inline int CSystem_lock_byte(int fd, off_t byte) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, 37 /* F_OFD_SETLK */, &l);
}
static inline int CSystem_unlock_byte(int fd, off_t byte) {
    struct flock l = {.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, 37 /* F_OFD_SETLK */, &l);
}
// 1: somebody else holds the byte, 0: free, -1: errno
static inline int CSystem_byte_is_locked(int fd, off_t byte) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    if (fcntl(fd, 36 /* F_OFD_GETLK */, &l) < 0) return -1;
    return l.l_type != F_UNLCK;
}
// Declared by GNU only.
extern int pipe2(int ends[2], int flags);
static inline int CSystem_pipe(int *ends) { return pipe2(ends, O_CLOEXEC); }
static inline int CSystem_close_on_exec(int fd) { return fcntl(fd, F_SETFD, FD_CLOEXEC); }
static inline int CSystem_set_nonblocking(int fd) { return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK); }
// ioctl is variadic
static inline int CSystem_columns(int fd) {
    struct winsize size;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}
// stdout and stderr are unsafe globals to Swift 6
static inline FILE *CSystem_stdout(void) { return stdout; }
static inline FILE *CSystem_stderr(void) { return stderr; }
// epoll_data is a union and EPOLLET does not fit the enum's signed type
static inline int CSystem_watch(int epoll, int fd, uint64_t token) {
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}
static inline int CSystem_watch_level(int epoll, int fd, uint64_t token) {
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = token};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}
static inline int CSystem_unwatch(int epoll, int fd) { return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL); }
// Declared by GNU only, and defining _GNU_SOURCE here would give fd_set another shape than Glibc's module has.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
static inline int CSystem_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }
static inline int CSystem_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0); }
// 0 where the call is refused, too.
static inline int CSystem_clock_is_synchronised(void) {
    struct timex t = {.modes = 0};
    return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}
// statx is declared by GNU only, and its struct would clash with Glibc's module: 256 bytes, of which the mask (0) and the time
// of birth (80, 88) are read (man 2 statx). Nanoseconds since 1970 of a path, or of fd for an empty one; -1: nobody knows.
static inline int64_t CSystem_birth(int fd, const char *path) {
    union { unsigned char bytes[256]; uint64_t aligned; } s = {{0}};
    if (syscall(SYS_statx, fd, path, *path ? 0 : 0x1000 /* AT_EMPTY_PATH */, 0x800 /* STATX_BTIME */, &s) != 0) return -1;
    uint32_t mask, nanoseconds;
    int64_t seconds;
    __builtin_memcpy(&mask, s.bytes, 4);
    __builtin_memcpy(&seconds, s.bytes + 80, 8);
    __builtin_memcpy(&nanoseconds, s.bytes + 88, 4);
    return mask & 0x800 && seconds > 0 ? seconds * 1000000000 + nanoseconds : -1;
}
