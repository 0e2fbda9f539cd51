// The way back to a sane terminal, whatever ends the process.
#define _GNU_SOURCE
#include "cncurses.h"
#include <sys/mman.h>
#include <sys/wait.h>

// In a handler only async-signal-safe calls are made, on state prepared beforehand.
struct CNcurses_rescue_state {
    volatile sig_atomic_t armed;
    volatile sig_atomic_t asked;
    struct termios before;
    int wake;      // write end of the loop's pipe
    int errors;    // the real stderr, while fd 2 is a file in memory
    FILE *screen;  // what ncurses writes to: a descriptor of its own, so that it can be silenced
    int guard;     // write end of the pipe that the guard listens to
    pid_t guardian;
    struct termios during;
    size_t length; // of `sequence`
    char sequence[512];
    struct sigaction old[65];
};
static struct CNcurses_rescue_state *CNcurses_rescue(void) {
    static struct CNcurses_rescue_state state;
    return &state;
}
static const int CNcurses_fatal[] = {SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGQUIT};
// Puts the terminal back. Calling it twice does nothing.
static void CNcurses_rescue_restore(void) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    if (!s->armed) return;
    s->armed = 0;
    if (s->guard >= 0) {
        ssize_t told = write(s->guard, "q", 1);
        (void)told;
    }
    ssize_t ignored = write(STDOUT_FILENO, s->sequence, s->length);
    tcsetattr(STDOUT_FILENO, TCSADRAIN, &s->before);
    if (s->errors >= 0) {
        char buffer[1024];
        ssize_t count;
        lseek(STDERR_FILENO, 0, SEEK_SET);
        while ((count = read(STDERR_FILENO, buffer, sizeof buffer)) > 0) ignored = write(s->errors, buffer, count);
        dup2(s->errors, STDERR_FILENO);
        close(s->errors);
        s->errors = -1;
    }
    (void)ignored;
}
// Other threads may go on until the process ends: nothing they draw reaches the terminal any more. And whoever reports
// the crash (Swift's backtrace) finds nobody to ask, or it would hold the terminal for a key for half a minute.
static void CNcurses_fall_silent(void) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    if (!s->armed) return;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0) return;
    dup2(nothing, STDIN_FILENO);
    if (s->screen != NULL) dup2(nothing, fileno_unlocked(s->screen));
    close(nothing);
}
// What was there before (Swift's backtrace) has its turn, and then the signal does what it does by default: a handler
// that returns, expecting the fault to come again, waits in vain when the signal was sent by somebody.
static void CNcurses_on_fatal(int number) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    CNcurses_fall_silent();
    CNcurses_rescue_restore();
    sigaction(number, &s->old[number], NULL);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
    raise(number);
    signal(number, SIG_DFL);
    raise(number);
}
// Asked to end: the loop does it in good order; asked twice, or with nobody at the loop, at once.
static void CNcurses_on_ask(int number) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    int saved = errno;
    char byte = (char)number;
    int second = s->asked && number != SIGWINCH && number != SIGTSTP;
    if (number != SIGWINCH && number != SIGTSTP) s->asked = 1;
    if (second || write(s->wake, &byte, 1) != 1) {
        if (number != SIGWINCH && number != SIGTSTP) {
            CNcurses_rescue_restore();
            signal(number, SIG_DFL);
            raise(number);
        }
    }
    errno = saved;
}
static void CNcurses_append_capability(const char *name) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    const char *value = tigetstr(name);
    if (value == NULL || value == (char *)-1) return;
    size_t length = strlen(value);
    if (s->length + length > sizeof s->sequence) return;
    memcpy(s->sequence + s->length, value, length);
    s->length += length;
}
// SIGKILL leaves no chance, so a forked copy waits for this process to vanish and puts the terminal back then. It calls
// async-signal-safe functions only, holds nothing but the terminal and its pipe, and ends with a word from us.
void CNcurses_guard_start(void) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    int ends[2];
    s->guard = -1;
    if (tcgetattr(STDOUT_FILENO, &s->during) < 0 || pipe(ends) < 0) return;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    s->guardian = fork();
    if (s->guardian == 0) {
        static const int deaf[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTOU, SIGTTIN, SIGPIPE, SIGWINCH};
        for (size_t i = 0; i < sizeof CNcurses_fatal / sizeof *CNcurses_fatal; i++) signal(CNcurses_fatal[i], SIG_DFL);
        for (size_t i = 0; i < sizeof deaf / sizeof *deaf; i++) signal(deaf[i], SIG_IGN);
        for (int fd = 2; fd < 1024; fd++)
            if (fd != ends[0]) close(fd);
        char byte;
        ssize_t count;
        do count = read(ends[0], &byte, 1);
        while (count < 0 && errno == EINTR);
        struct termios now;
        if (count == 0) {
            count = write(STDOUT_FILENO, s->sequence, s->length);
            // Whoever has the terminal by now may have set it up already: only our own settings are undone.
            if (tcgetattr(STDOUT_FILENO, &now) == 0 && now.c_lflag == s->during.c_lflag &&
                now.c_iflag == s->during.c_iflag)
                tcsetattr(STDOUT_FILENO, TCSADRAIN, &s->before);
        }
        _exit(0);
    }
    close(ends[0]);
    if (s->guardian < 0) {
        close(ends[1]);
        return;
    }
    s->guard = ends[1];
}
static void CNcurses_guard_stop(void) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    if (s->guard < 0) return;
    ssize_t ignored = write(s->guard, "q", 1);
    (void)ignored;
    close(s->guard);
    s->guard = -1;
    while (waitpid(s->guardian, NULL, 0) < 0 && errno == EINTR) {}
}
static void CNcurses_rescue_handle(int number, void (*handler)(int)) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_ONSTACK | SA_RESTART;
    sigaction(number, &action, &CNcurses_rescue()->old[number]);
}
SCREEN *CNcurses_newterm(void) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    // Kept from one time to the next: ncurses goes on knowing it.
    if (s->screen == NULL) {
        int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);
        if (out >= 0) s->screen = fdopen(out, "w");
    }
    return newterm(NULL, s->screen != NULL ? s->screen : stdout, stdin);
}
// Before newterm: remembers how the terminal was, and takes stderr off the screen.
int CNcurses_rescue_prepare(int wake) {
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    s->length = 0;
    s->asked = 0;
    s->wake = wake;
    s->errors = -1;
    s->guard = -1;
    return tcgetattr(STDOUT_FILENO, &s->before);
}
void CNcurses_rescue_arm(void) {
    static char stack[65536];
    static int registered = 0;
    struct CNcurses_rescue_state *s = CNcurses_rescue();
    CNcurses_append_capability("sgr0");
    CNcurses_append_capability("rmkx");
    CNcurses_append_capability("cnorm");
    CNcurses_append_capability("rmcup");
    int memory = memfd_create("stderr", MFD_CLOEXEC);
    if (memory >= 0) {
        s->errors = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
        if (s->errors >= 0) dup2(memory, STDERR_FILENO);
        close(memory);
    }
    s->armed = 1;
    stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternate, NULL);
    static const int asked[] = {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
    for (size_t i = 0; i < sizeof CNcurses_fatal / sizeof *CNcurses_fatal; i++)
        CNcurses_rescue_handle(CNcurses_fatal[i], CNcurses_on_fatal);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) CNcurses_rescue_handle(asked[i], CNcurses_on_ask);
    if (!registered) { registered = 1; atexit(CNcurses_rescue_restore); }
}
void CNcurses_rescue_disarm(void) {
    static const int all[] = {SIGSEGV, SIGABRT, SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGQUIT,
                              SIGINT,  SIGTERM, SIGHUP, SIGTSTP, SIGWINCH};
    CNcurses_rescue_restore();
    CNcurses_guard_stop();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) sigaction(all[i], &CNcurses_rescue()->old[all[i]], NULL);
}
// Stops the whole job as ctrl-z does; comes back when the shell continues it. The others of the job are told while this
// process ignores the signal; then this thread stops by a signal to itself, which is taken before raise returns.
void CNcurses_stop_job(void) {
    struct sigaction mine, ignore, plain;
    sigset_t one, before;
    memset(&plain, 0, sizeof plain);
    plain.sa_handler = SIG_DFL;
    ignore = plain;
    ignore.sa_handler = SIG_IGN;
    sigemptyset(&one);
    sigaddset(&one, SIGTSTP);
    sigaction(SIGTSTP, &ignore, &mine);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &plain, NULL);
    pthread_sigmask(SIG_UNBLOCK, &one, &before);
    raise(SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    sigaction(SIGTSTP, &mine, NULL);
}
