// What Swift cannot take from ncursesw: macros, unsafe globals, and (in rescue.c) what has to run inside a signal handler.
#pragma once
#define NCURSES_WIDECHAR 1
#define _XOPEN_SOURCE_EXTENDED 1
#include <ncurses.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

// stdscr and COLORS are unsafe globals to Swift 6
static inline WINDOW *CNcurses_screen(void) { return stdscr; }
static inline int CNcurses_colors(void) { return COLORS; }
// A_* are macros over casts
static inline attr_t CNcurses_bold(void) { return A_BOLD; }
static inline attr_t CNcurses_dim(void) { return A_DIM; }
static inline attr_t CNcurses_reverse(void) { return A_REVERSE; }
static inline attr_t CNcurses_underline(void) { return A_UNDERLINE; }
// KEY_F(n) is a function-like macro
static inline int CNcurses_key_f(int n) { return KEY_F(n); }
// syscall is variadic. Asks the scheduler to give this thread short turns, hence early ones (sched(7); Linux 6.12 on, others refuse
// or ignore it); threads and processes begun from it do not inherit that.
static inline int CNcurses_short_turns(uint64_t nanoseconds) {
    struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t priority; uint64_t runtime, deadline, period; } wish = {
        .size = 48, .flags = 1 /* SCHED_FLAG_RESET_ON_FORK */, .runtime = nanoseconds};
    return (int)syscall(SYS_sched_setattr, 0, &wish, 0);
}
// ioctl is variadic
static inline int CNcurses_window_size(int *rows, int *columns) {
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0) return -1;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return 0;
}
// <term.h> defines words like `columns` as macros, so its one function is declared here; tigetstr answers (char *)-1 for "not a string"
char *tigetstr(const char *name);
static inline int CNcurses_has_capability(const char *name) {
    const char *value = tigetstr(name);
    return value != NULL && value != (char *)-1 && *value != 0;
}
// One cell: up to CCHARW_MAX wide characters; the rest of the macros around cchar_t stays here
static inline int CNcurses_put(int y, int x, const wchar_t *text, attr_t attributes, short pair) {
    cchar_t cell;
    if (setcchar(&cell, text, attributes, pair, NULL) == ERR) return ERR;
    return mvadd_wch(y, x, &cell);
}

// rescue.c: the way back to a sane terminal, whatever ends the process. It is compiled once, because its state has to
// be one, and a static of an inline function is one for each object file that Swift makes.

// Before newterm: remembers how the terminal was. `wake` is written the number of each signal that asks for something.
int CNcurses_rescue_prepare(int wake);
// ncurses on stdin and stdout, the latter by a descriptor of its own.
SCREEN *CNcurses_newterm(void);
// After newterm: takes stderr off the screen and handles the signals that end or stop a process.
void CNcurses_rescue_arm(void);
// When the terminal is set up: forks the guard that mends it after SIGKILL.
void CNcurses_guard_start(void);
// After endwin: the signals are as they were before, stderr is the real one again.
void CNcurses_rescue_disarm(void);
// Stops the whole job as ctrl-z does; comes back when the shell continues it.
void CNcurses_stop_job(void);
