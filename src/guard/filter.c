/* On 64 bits: older ABIs hide the call in an argument, and few run them in the open.

   Of most calls the number alone decides, and the kernel remembers that in a bitmap: they cost next to nothing. A few
   are let through with some arguments only. What is looked at is a register, never memory, which could change after the
   look. */
#define _GNU_SOURCE
#include "guard/filter.h"
#include "base/check.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define FILTER_ARCH AUDIT_ARCH_RISCV64
#else
#define FILTER_ARCH 0
#endif

enum {
    PROGRAM_MAX = 512,
    X32_BIT = 0x40000000, /* x86-64's other numbers for the same calls */
};

struct program {
    struct sock_filter at[PROGRAM_MAX];
    unsigned short len;
};

static void add(struct program *program, uint16_t code, uint8_t jt, uint8_t jf, uint32_t k) {
    CHECK(program->len < PROGRAM_MAX);
    program->at[program->len++] = (struct sock_filter){code, jt, jf, k};
}

static void load(struct program *program, size_t offset) {
    add(program, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void answer(struct program *program, uint32_t what) {
    add(program, BPF_RET | BPF_K, 0, 0, what);
}

#define REFUSE (SECCOMP_RET_ERRNO | EPERM)

/* The low word of an argument: all bits of flags and options there are. */
static size_t argument(int index) {
    size_t low = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0;
    return offsetof(struct seccomp_data, args) + (size_t)index * sizeof(uint64_t) + low;
}

/* With the call's number loaded: a call that may not have any of `bits` in an argument. */
static void refuse_bits(struct program *program, int call, int index, uint32_t bits) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (uint32_t)call);
    load(program, argument(index));
    add(program, BPF_JMP | BPF_JSET | BPF_K, 0, 1, bits);
    answer(program, REFUSE);
    answer(program, SECCOMP_RET_ALLOW);
}

/* One whose argument must be one of these. */
static void refuse_but(struct program *program, int call, int index, uint32_t value, uint32_t other) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, (uint32_t)call);
    load(program, argument(index));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 2, 0, value);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, other);
    answer(program, REFUSE);
    answer(program, SECCOMP_RET_ALLOW);
}

/* One whose first two arguments must be these. */
static void refuse_but_both(struct program *program, int call, uint32_t first, uint32_t second) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 6, (uint32_t)call);
    load(program, argument(0));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, first);
    load(program, argument(1));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, second);
    answer(program, REFUSE);
    answer(program, SECCOMP_RET_ALLOW);
}

/* What isatty(3) asks: glibc its settings, from 2.42 on in their newer form; musl the size of the window. */
#ifdef __GLIBC__
enum { IS_TERMINAL = TCGETS, IS_TERMINAL_TOO = TCGETS2 };
#else
enum { IS_TERMINAL = TIOCGWINSZ, IS_TERMINAL_TOO = TIOCGWINSZ };
#endif

#define NAMESPACES                                                                                                     \
    (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

/* Memory that can be run is never made; no namespace is entered by a new process or thread (which root's could: a
   thread has its own); of prctl a forked child needs to die with its parent, of ioctl isatty(3) its one question; a
   thread may yield to others. A pair of sockets is of the one kind that is used: each call makes sockets of whatever
   family it is asked for before it finds that they can't be a pair, and one of datagrams can send to any name on the
   machine. clone3 has its flags in memory: it is as if the kernel didn't know it, and the C library falls back on
   clone. */
static void add_call(struct program *program, int call) {
    switch (call) {
    case SYS_mmap:
    case SYS_mprotect:
        refuse_bits(program, call, 2, PROT_EXEC);
        break;
    case SYS_clone:
        refuse_bits(program, call, 0, NAMESPACES);
        break;
    case FILTER_THREADS:
        add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 5, SYS_clone);
        load(program, argument(0));
        add(program, BPF_JMP | BPF_JSET | BPF_K, 1, 0, NAMESPACES);
        add(program, BPF_JMP | BPF_JSET | BPF_K, 1, 0, CLONE_THREAD);
        answer(program, REFUSE);
        answer(program, SECCOMP_RET_ALLOW);
        break;
    case SYS_setpriority:
        refuse_but_both(program, call, PRIO_PROCESS, 0); /* the calling thread's own */
        break;
    case SYS_socketpair:
        refuse_but_both(program, call, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC);
        break;
    case SYS_prctl:
        refuse_but(program, call, 0, PR_SET_PDEATHSIG, PR_SET_PDEATHSIG);
        break;
    case SYS_ioctl:
        refuse_but(program, call, 1, IS_TERMINAL, IS_TERMINAL_TOO);
        break;
    default:
        add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (uint32_t)call);
        answer(program, SECCOMP_RET_ALLOW);
    }
}

static void add_all(struct program *program, const int *const *lists, int count) {
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, FILTER_ARCH);
    answer(program, REFUSE);
    load(program, offsetof(struct seccomp_data, nr));
    if (FILTER_ARCH == AUDIT_ARCH_X86_64) {
        add(program, BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32_BIT);
        answer(program, REFUSE);
    }
    for (int i = 0; i < count; i++)
        for (const int *call = lists[i]; call && *call != FILTER_END; call++)
            add_call(program, *call);
#ifdef SYS_clone3
    add(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_clone3);
    answer(program, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    answer(program, REFUSE);
}

bool filter_available(void) {
    uint32_t action = SECCOMP_RET_ERRNO;
    return FILTER_ARCH != 0 && syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool filter_install(const int *const *lists, int count) {
    struct program program = {.len = 0};
    add_all(&program, lists, count);
    struct sock_fprog filter = {.len = program.len, .filter = program.at};
    return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0;
}
