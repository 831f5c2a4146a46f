/* The lists are what the tests prove enough (every suite runs inside) and small (tests/sandbox injects what must not
   be). A C library may use any of several calls for one function: they stand together. */
#define _GNU_SOURCE
#include "guard/sandbox.h"
#include "base/check.h"
#include "guard/filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CALL_CACHESTAT = 451, /* on every architecture */
    ERROR_NOT_SUPP = 524, /* the kernel's own ENOTSUPP: there is no room for the filter's machine code */
};

/* clang-format off */
/* Of any thread: memory, locks, time, signals, its own end; and what is open. */
static const int common_calls[] = {
    SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_close, SYS_dup3, SYS_fcntl, SYS_lseek, SYS_fstat, SYS_eventfd2,
    SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_brk, SYS_getrandom,
    SYS_futex, SYS_set_robust_list, SYS_rseq, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_clock_gettime, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_ppoll,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_restart_syscall, SYS_tgkill,
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_exit, SYS_exit_group,
#ifdef SYS_poll
    SYS_poll,
#endif
    FILTER_END,
};

/* Where Landlock lets them. */
static const int file_calls[] = {
    SYS_openat, SYS_openat2, SYS_statx, SYS_readlinkat, SYS_getdents64, SYS_pread64, SYS_preadv,
    SYS_preadv2, SYS_memfd_create, SYS_ftruncate, CALL_CACHESTAT, SYS_fstatfs,
#ifdef SYS_newfstatat /* 32 bits have another */
    SYS_newfstatat,
#endif
#ifdef SYS_fstatfs64
    SYS_fstatfs64,
#endif
#ifdef SYS_open
    SYS_open, SYS_stat, SYS_lstat, SYS_readlink,
#endif
    FILTER_END,
};

static const int client_calls[] = {
    SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_sendfile, SYS_shutdown, SYS_setsockopt, SYS_getsockopt,
    SYS_getsockname, SYS_getpeername,
    FILTER_END,
};

/* The door, at which musl tries accept when accept4 says EINVAL, as it does of a listener that has been shut; threads
   that load and write, and how they yield to others; a narrower filter for these; a pair to hear from a successor. */
static const int worker_calls[] = {
#ifdef SYS_accept
    SYS_accept,
#endif
    SYS_accept4, FILTER_THREADS, SYS_setpriority, SYS_seccomp, SYS_socketpair,
    FILTER_END,
};

/* Until the models are open, the banner is printed and a daemon has let go of its terminal. */
static const int opening_calls[] = {
    SYS_epoll_create1, SYS_io_uring_setup, SYS_io_uring_register, SYS_prlimit64, SYS_faccessat, SYS_ioctl,
#ifdef SYS_access
    SYS_access, SYS_dup2,
#endif
    FILTER_END,
};
/* clang-format on */

#ifdef HTTPD_SANITIZED
static const char *const unfit = "a build without sanitizers";
#else
static const char *const unfit = NULL;
#endif

static const int *model_calls_given;
static bool entered;

static bool enter_landlock(const struct sandbox_place *places, int count) {
    int rules = landlock_open();
    if (rules < 0)
        return false;
    for (int i = 0; i < count; i++) {
        if (!landlock_allow(rules, places[i].path, places[i].access)) {
            close(rules);
            return false;
        }
    }
    return landlock_enter(rules);
}

static void miss(char *missing, size_t size, const char *what) {
    size_t len = strlen(missing);
    snprintf(missing + len, size - len, "%s%s", len ? " and " : "", what);
}

bool sandbox_enter(const struct sandbox_place *places, int count, const int *model_calls, char *missing,
                   size_t missing_size, char *error, size_t error_size) {
    missing[0] = '\0';
    if (unfit) {
        miss(missing, missing_size, unfit);
        return true;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        miss(missing, missing_size, "no_new_privs");
    if (landlock_version() == 0) {
        miss(missing, missing_size, "Landlock");
    } else if (!enter_landlock(places, count)) {
        snprintf(error, error_size, "Landlock: %s", strerror(errno));
        return false;
    }
    model_calls_given = model_calls;
    if (!filter_available()) {
        miss(missing, missing_size, "seccomp");
        return true;
    }
    const int *lists[] = {model_calls, common_calls, file_calls, client_calls, worker_calls, opening_calls};
    entered = filter_install(lists, (int)(sizeof lists / sizeof lists[0]));
    if (!entered)
        snprintf(error, error_size, "seccomp: %s", strerror(errno));
    return entered;
}

void sandbox_narrow(enum sandbox_role role) {
    static const int *const loader[] = {common_calls, file_calls};
    const int *child[] = {common_calls, file_calls, client_calls};
    const int *worker[] = {model_calls_given, common_calls, file_calls, client_calls, worker_calls};
    bool ok = true;
    if (!entered)
        return;
    switch (role) {
    case SANDBOX_WORKER:
        ok = filter_install(worker, 5);
        break;
    case SANDBOX_CHILD:
        ok = filter_install(child, 3);
        break;
    case SANDBOX_LOADER:
    case SANDBOX_WRITER:
        ok = filter_install(loader, 2);
        break;
    }
    CHECK(ok || errno == ENOMEM || errno == ERROR_NOT_SUPP); /* the kernel took the wider one, which then holds on */
}
