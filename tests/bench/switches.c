/* What a flow of control costs: a process, a thread, a coroutine (httpd's own, backend/coroutine_switch.h). To make one
   and be rid of it again, to hand over from one to another, and to keep one that does nothing.

       bench_switches [--quick]

   Prints a line a figure: what, of what, figure, unit. Everything runs on one processor, so that a hand-over is a
   switch and not a wake-up of another one. Times are the least of some rounds, as what else goes on only adds to them;
   memory is how much more there is of it per flow, of the process and in the kernel. */
#define _GNU_SOURCE
#include "backend/coroutine_switch.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    KEPT = 500,             /* flows that are kept at once, to see what one takes */
    STACK_LEN = 256 * 1024, /* of a thread, as -m thread has it */
    CACHE_LEN = 64 << 20,   /* as much as httpd's cache may hold */
};

static int rounds = 400;

static void need(int ok, const char *what) {
    if (ok)
        return;
    perror(what);
    exit(1);
}

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void say_figure(const char *what, const char *of, double figure, const char *unit) {
    printf("%s\t%s\t%.*f\t%s\n", what, of, figure < 1 ? 3 : figure < 100 ? 1 : 0, figure, unit);
    fflush(stdout);
}

/* Does it `count` times in each of many rounds, which are short: so some of them are left alone. Returns the least that
   one took, in ns. */
static double least(void (*repeat)(int count), int count) {
    double best = 1e18;
    for (int i = 0; i < rounds; i++) {
        double began = now_ns();
        repeat(count);
        double took = (now_ns() - began) / count;
        best = took < best ? took : best;
    }
    return best;
}

/* ---- Made, and ended */

static void *thread_main(void *arg) {
    return arg;
}

static void make_processes(int count) {
    for (int i = 0; i < count; i++) {
        pid_t pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static pthread_attr_t small_stack;

static void make_threads(int count) {
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        need(pthread_create(&thread, &small_stack, thread_main, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
}

static struct coroutine_flow own;
static char *stacks;

static void flow_main(void *arg) {
    for (;;)
        coroutine_switch(arg, &own);
}

static void open_flow(struct coroutine_flow *flow, size_t index) {
    char *end = coroutine_stack_end(stacks, index);
    coroutine_flow_open(flow, end - coroutine_stack_len, coroutine_stack_len, flow_main, flow);
}

static void make_coroutines(int count) {
    struct coroutine_flow flow;
    for (int i = 0; i < count; i++) {
        open_flow(&flow, 0);
        coroutine_switch(&own, &flow);
        coroutine_flow_close(&flow);
    }
}

/* ---- Handed over: there and back, which is two */

static int there[2], back[2];

static void hand_by_pipe(int count) {
    char byte = 0;
    for (int i = 0; i < count; i++)
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
}

static void *answer_by_pipe(void *arg) {
    char byte;
    while (read(there[0], &byte, 1) == 1 && byte == 0)
        need(write(back[1], &byte, 1) == 1, "pipe");
    return arg;
}

static void stop_pipe(void) {
    char byte = 1;
    need(write(there[1], &byte, 1) == 1, "pipe");
}

static _Atomic int turn; /* whose it is: 0, 1; 2 is the end */

static void await_turn(int mine) {
    int now;
    while ((now = atomic_load(&turn)) != mine && now != 2)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, now, NULL, NULL, 0);
}

static void give_turn(int to) {
    atomic_store(&turn, to);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void hand_by_futex(int count) {
    for (int i = 0; i < count; i++) {
        give_turn(1);
        await_turn(0);
    }
}

static void *answer_by_futex(void *arg) {
    for (;;) {
        await_turn(1);
        if (atomic_load(&turn) == 2)
            return arg;
        give_turn(0);
    }
}

static struct coroutine_flow other;

static void hand_by_switch(int count) {
    for (int i = 0; i < count; i++)
        coroutine_switch(&own, &other);
}

static void call_system(int count) {
    for (int i = 0; i < count; i++)
        syscall(SYS_getppid);
}

static void measure_switches(void) {
    pthread_t thread;
    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    pid_t pid = fork();
    need(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        answer_by_pipe(NULL);
        _exit(0);
    }
    say_figure("switch", "processes, by a pipe", least(hand_by_pipe, 300) / 2, "ns");
    stop_pipe();
    waitpid(pid, NULL, 0);

    need(pthread_create(&thread, &small_stack, answer_by_pipe, NULL) == 0, "pthread_create");
    say_figure("switch", "threads, by a pipe", least(hand_by_pipe, 300) / 2, "ns");
    stop_pipe();
    pthread_join(thread, NULL);

    need(pthread_create(&thread, &small_stack, answer_by_futex, NULL) == 0, "pthread_create");
    say_figure("switch", "threads, by a futex", least(hand_by_futex, 300) / 2, "ns");
    give_turn(2);
    pthread_join(thread, NULL);

    open_flow(&other, 0);
    say_figure("switch", "coroutines", least(hand_by_switch, 50000) / 2, "ns");
    coroutine_flow_close(&other);
    say_figure("switch", "a system call that does next to nothing", least(call_system, 5000), "ns");
}

/* ---- Kept */

/* The figure behind a word in a file of /proc, in KiB. */
static double figure_of(const char *path, const char *word) {
    char line[256];
    double figure = 0;
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, word, strlen(word)) == 0)
            figure = strtod(line + strlen(word), NULL);
    if (file)
        fclose(file);
    return figure;
}

/* Of this process and, where there are some, those: memory by its share of it, page tables, and stacks in the kernel.
 */
struct memory {
    double user, tables, stacks;
};

static struct memory memory_of(const pid_t *pids, int count) {
    struct memory memory = {figure_of("/proc/self/smaps_rollup", "Pss:"), figure_of("/proc/self/status", "VmPTE:"),
                            figure_of("/proc/meminfo", "KernelStack:")};
    for (int i = 0; i < count; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pids[i]);
        memory.user += figure_of(path, "Pss:");
        snprintf(path, sizeof path, "/proc/%d/status", (int)pids[i]);
        memory.tables += figure_of(path, "VmPTE:");
    }
    return memory;
}

static void say_memory(const char *of, struct memory before, struct memory after) {
    say_figure("memory", of, (after.user - before.user) / KEPT, "KiB of its own");
    say_figure("kernel", of, (after.tables - before.tables + after.stacks - before.stacks) / KEPT, "KiB in the kernel");
}

static pthread_barrier_t begun;
static pthread_mutex_t hold = PTHREAD_MUTEX_INITIALIZER;

static void *wait_in_thread(void *arg) {
    pthread_barrier_wait(&begun);
    pthread_mutex_lock(&hold);
    pthread_mutex_unlock(&hold);
    return arg;
}

static void keep_processes(void) {
    static pid_t pids[KEPT];
    int ends[2];
    char byte;
    need(pipe(ends) == 0, "pipe");
    struct memory before = memory_of(NULL, 0);
    for (int i = 0; i < KEPT; i++) {
        pids[i] = fork();
        need(pids[i] >= 0, "fork");
        if (pids[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            need(write(ends[1], "", 1) == 1, "pipe");
            for (;;)
                pause();
        }
    }
    for (int i = 0; i < KEPT; i++)
        need(read(ends[0], &byte, 1) == 1, "pipe");
    say_memory("process", before, memory_of(pids, KEPT));
    for (int i = 0; i < KEPT; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

static void keep_threads(void) {
    static pthread_t threads[KEPT];
    pthread_barrier_init(&begun, NULL, KEPT + 1);
    pthread_mutex_lock(&hold);
    struct memory before = memory_of(NULL, 0);
    for (int i = 0; i < KEPT; i++)
        need(pthread_create(&threads[i], &small_stack, wait_in_thread, NULL) == 0, "pthread_create");
    pthread_barrier_wait(&begun);
    say_memory("thread", before, memory_of(NULL, 0));
    pthread_mutex_unlock(&hold);
    for (int i = 0; i < KEPT; i++)
        pthread_join(threads[i], NULL);
}

static void keep_coroutines(void) {
    static struct coroutine_flow flows[KEPT];
    struct memory before = memory_of(NULL, 0);
    for (size_t i = 0; i < KEPT; i++) {
        need(coroutine_stack_use(stacks, i + 1), "mprotect");
        open_flow(&flows[i], i + 1);
        coroutine_switch(&own, &flows[i]);
    }
    say_memory("coroutine", before, memory_of(NULL, 0));
    for (size_t i = 0; i < KEPT; i++)
        coroutine_flow_close(&flows[i]);
}

int main(int argc, char **argv) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
    if (argc > 1 && strcmp(argv[1], "--quick") == 0)
        rounds = 10;
    pthread_attr_init(&small_stack);
    pthread_attr_setstacksize(&small_stack, STACK_LEN);
    stacks = coroutine_stacks_open(KEPT + 1);
    need(stacks != NULL && coroutine_stack_use(stacks, 0), "mmap");

    keep_processes(); /* first, while there is little to share */
    keep_threads();
    keep_coroutines();
    say_figure("make and end", "process", least(make_processes, 1) / 1000, "µs");
    say_figure("make and end", "thread", least(make_threads, 50) / 1000, "µs");
    say_figure("make and end", "coroutine", least(make_coroutines, 10000) / 1000, "µs");
    measure_switches();
    char *cache = mmap(NULL, CACHE_LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    need(cache != MAP_FAILED, "mmap");
    madvise(cache, CACHE_LEN, MADV_NOHUGEPAGE);
    memset(cache, 1, CACHE_LEN);
    say_figure("make and end", "process, of one with 64 MiB", least(make_processes, 1) / 1000, "µs");
    return 0;
}
