// Tells ThreadSanitizer of two steps in Swift's libraries that it cannot see, for they are not compiled with it. Loaded
// before the tests (LD_PRELOAD) by run.sh; what each function does is left to the one it stands before.
//
// 1. A `Mutex` on Linux is one word. Taking and leaving it is inlined into our code, and so seen; but who has to wait takes
//    it, and who lets a waiting one in leaves it, by a system call within libswiftSynchronization.
// 2. A continuation that is resumed before its task waits for it: the runtime tells of the resumption, but has the task
//    that goes on at once (swift_continuation_await) not take note of it.
//
// Nothing is suppressed: each tells of an order that is there, by the address that the other side names.
// Written for Swift 6.3: the names and shapes below are those of its libraries.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#define swiftcall __attribute__((swiftcall))
#define swiftasync __attribute__((swiftasynccall))
#define swiftself __attribute__((swift_context))

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));
extern void *swift_task_getCurrent(void) swiftcall;

static void *next(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found || !__tsan_acquire) {
    fprintf(stderr, "tsan.c: there is no %s. It fits tests built with --sanitize=thread, by Swift 6.3.\n",
            found ? "__tsan_acquire" : name);
    _exit(70);
  }
  return found;
}

#define NEXT(type, name) \
  static type real; \
  if (!real) real = (type)next(name)

// MARK: Mutex

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef void (*LockSlow)(uint32_t thread, void *swiftself mutex) swiftcall;
typedef void (*UnlockSlow)(void *swiftself mutex) swiftcall;

void lockSlow(uint32_t thread, void *swiftself mutex) swiftcall __asm__(LOCK_SLOW);
void unlockSlow(void *swiftself mutex) swiftcall __asm__(UNLOCK_SLOW);

swiftcall void lockSlow(uint32_t thread, void *swiftself mutex) {
  NEXT(LockSlow, LOCK_SLOW);
  real(thread, mutex);
  __tsan_acquire(mutex);
}

swiftcall void unlockSlow(void *swiftself mutex) {
  NEXT(UnlockSlow, UNLOCK_SLOW);
  __tsan_release(mutex);
  real(mutex);
}

// MARK: Continuations

// While a task looks whether it was resumed and lies down, nobody may resume it, so that it is known in time. Locks of our
// own: TSan would take one it knows for an order between the two, and see no race behind it.
static atomic_flag locks[4096];
static _Thread_local int depth;

static atomic_flag *lockOf(void *task) { return &locks[((uintptr_t)task >> 6) % 4096]; }

static void enter(void *task) {
  if (depth++) return;
  while (atomic_flag_test_and_set_explicit(lockOf(task), memory_order_acquire)) sched_yield();
}

static void leave(void *task) {
  if (--depth) return;
  atomic_flag_clear_explicit(lockOf(task), memory_order_release);
}

// ContinuationAsyncContext: parent, its function, flags, and whether it was resumed (2).
struct Context {
  void *parent, *resume;
  uintptr_t flags;
  _Atomic uintptr_t status;
};

typedef void (*Await)(struct Context *) swiftasync;

void swift_continuation_await(struct Context *context) swiftasync;
void swift_continuation_await(struct Context *context) {
  NEXT(Await, "swift_continuation_await");
  void *task = swift_task_getCurrent();
  enter(task);
  if (atomic_load_explicit(&context->status, memory_order_acquire) != 2) {
    real(context);
    leave(task);
    return;
  }
  leave(task);
  __tsan_acquire(task);
  __attribute__((musttail)) return real(context);
}

typedef void (*Resume)(void *task) swiftcall;
typedef void (*ResumeWithError)(void *task, void *error) swiftcall;

#define RESUME(name) \
  void name(void *task) swiftcall; \
  void name(void *task) { \
    NEXT(Resume, #name); \
    enter(task); \
    real(task); \
    leave(task); \
  }

RESUME(swift_continuation_resume)
RESUME(swift_continuation_throwingResume)

void swift_continuation_throwingResumeWithError(void *task, void *error) swiftcall;
void swift_continuation_throwingResumeWithError(void *task, void *error) {
  NEXT(ResumeWithError, "swift_continuation_throwingResumeWithError");
  enter(task);
  real(task, error);
  leave(task);
}
