#define _GNU_SOURCE
#include "backend/coroutine_switch.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Every test runs with the switch that is the machine's and with the portable one. */

#define TEST(name) static void name(void **state __attribute__((unused)))

enum { FLOWS = 300, ROUNDS = 200, DEPTH = 40 };

static struct way {
    const char *name;
    void (*open)(struct coroutine_flow *flow, char *stack, size_t len, void (*main)(void *), void *arg);
    void (*go)(struct coroutine_flow *from, struct coroutine_flow *to);
} way;

static char *stacks;
static struct coroutine_flow here;

struct runner {
    struct coroutine_flow flow;
    unsigned seed, rounds, wrong;
    char text[64];
};

static struct runner runners[FLOWS];

static int open_stacks(void **state) {
    (void)state;
    stacks = coroutine_stacks_open(FLOWS);
    memset(runners, 0, sizeof runners);
    return stacks ? 0 : -1;
}

static int close_stacks(void **state) {
    (void)state;
    for (int i = 0; i < FLOWS; i++)
        if (runners[i].flow.stack)
            coroutine_flow_close(&runners[i].flow);
    coroutine_stacks_close(stacks, FLOWS);
    return 0;
}

static void start(size_t i, void (*main)(void *)) {
    assert_true(coroutine_stack_use(stacks, i));
    runners[i].seed = (unsigned)i + 1;
    char *stack = coroutine_stack_end(stacks, i) - coroutine_stack_len;
    way.open(&runners[i].flow, stack, coroutine_stack_len, main, &runners[i]);
}

static void leave(struct runner *self) {
    way.go(&self->flow, &here);
}

static void enter(struct runner *runner) {
    way.go(&here, &runner->flow);
}

/* ---- Many flows, each switched from at every depth of a recursion. */

static unsigned descend(struct runner *self, unsigned depth) {
    volatile unsigned mine[4] = {depth, self->seed, depth * self->seed, ~depth};
    unsigned below = depth ? descend(self, depth - 1) : self->seed;
    self->rounds++;
    leave(self);
    if (mine[0] != depth || mine[1] != self->seed || mine[2] != depth * self->seed || mine[3] != ~depth)
        self->wrong++;
    return below + depth;
}

static void deep_main(void *arg) {
    struct runner *self = arg;
    for (;;)
        if (descend(self, DEPTH) != self->seed + DEPTH * (DEPTH + 1) / 2)
            self->wrong++;
}

TEST(many_flows_keep_their_stacks) {
    for (size_t i = 0; i < FLOWS; i++)
        start(i, deep_main);
    for (unsigned round = 0; round < ROUNDS; round++)
        for (size_t i = 0; i < FLOWS; i++)
            enter(&runners[(i * 7) % FLOWS]);
    for (size_t i = 0; i < FLOWS; i++) {
        assert_int_equal(runners[i].rounds, ROUNDS);
        assert_int_equal(runners[i].wrong, 0);
    }
}

/* ---- From one flow to the next, without coming back between. */

static void ring_main(void *arg) {
    struct runner *self = arg;
    for (;;) {
        size_t next = (size_t)(self - runners) + 1;
        self->rounds++;
        way.go(&self->flow, next < FLOWS ? &runners[next].flow : &here);
    }
}

TEST(flows_switch_among_themselves) {
    for (size_t i = 0; i < FLOWS; i++)
        start(i, ring_main);
    for (int round = 0; round < ROUNDS; round++)
        enter(&runners[0]);
    for (size_t i = 0; i < FLOWS; i++)
        assert_int_equal(runners[i].rounds, ROUNDS);
}

/* ---- More values alive than there are registers, so that all of these are in use. */

static unsigned long with_registers(struct runner *self, unsigned long x) {
    unsigned long a = x + 1, b = x * 3, c = x ^ 5, d = x << 2, e = x + 77, f = x * x, g = ~x, h = x >> 1;
    double p = (double)x + .25, q = (double)x * 1.5, r = (double)x - 8, s = (double)x / 3, t = (double)a * .125,
           u = (double)b + .5, v = (double)c * 2.5, w = (double)d - .75;
    for (int i = 0; i < 5; i++) {
        leave(self);
        a += b, b ^= c, c += d, d ^= e, e += f, f ^= g, g += h, h ^= a;
        p += q, q -= r, r += s, s -= t, t += u, u -= v, v += w, w -= p;
    }
    double sum = p + q + r + s + t + u + v + w;
    unsigned long bits;
    memcpy(&bits, &sum, sizeof bits);
    return a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ bits;
}

static void register_main(void *arg) {
    struct runner *self = arg;
    unsigned long first = with_registers(self, self->seed);
    for (;;)
        if (with_registers(self, self->seed) != first)
            self->wrong++;
        else
            self->rounds++;
}

TEST(registers_are_preserved) {
    for (size_t i = 0; i < FLOWS; i++)
        start(i, register_main);
    unsigned order = 1;
    volatile double own = 0;
    for (unsigned i = 0; i < FLOWS * ROUNDS; i++) {
        double before = own * 1.25 + i;
        order = order * 1103515245 + 12345;
        enter(&runners[(order >> 8) % FLOWS]);
        assert_true(before == own * 1.25 + i);
        own += .5;
    }
    for (size_t i = 0; i < FLOWS; i++) {
        assert_true(runners[i].rounds > 0);
        assert_int_equal(runners[i].wrong, 0);
    }
}

/* ---- The stack is aligned as the C library's vector code wants it. */

static void print_main(void *arg) {
    struct runner *self = arg;
    snprintf(self->text, sizeof self->text, "%d %.3f %s %.1e %Lg", 7, 1.0 / 3, "text", 1e10, 2.5L);
    leave(self);
    abort();
}

TEST(stack_is_aligned) {
    for (size_t i = 0; i < 2; i++) {
        start(i, print_main);
        enter(&runners[i]);
        assert_string_equal(runners[i].text, "7 0.333 text 1.0e+10 2.5");
    }
}

/* ---- A flow that was left for good gives its stack back. */

TEST(stack_is_used_again) {
    for (int round = 0; round < 50; round++) {
        start(0, deep_main);
        for (int i = 0; i < round; i++)
            enter(&runners[0]);
        coroutine_flow_close(&runners[0].flow);
    }
    start(0, deep_main);
    runners[0].rounds = 0;
    enter(&runners[0]);
    assert_int_equal(runners[0].rounds, 1);
    assert_int_equal(runners[0].wrong, 0);
}

/* ---- The guard. */

/* Between a stack and the end of the one below it. */
enum { IN_GUARD = 7, ELSEWHERE = 8 };
static const char *_Atomic guard, *_Atomic guard_end; /* read by a signal handler */

static void on_fault(int number, siginfo_t *info, void *context) {
    const char *at = info->si_addr;
    (void)number;
    (void)context;
    _exit(at >= guard && at < guard_end ? IN_GUARD : ELSEWHERE);
}

/* Volatile, so that no compiler makes a loop of it. */
static int overflow(volatile int *above) {
    volatile int mine[64] = {*above + 1};
    return mine[0] ? overflow(mine) + mine[0] : 0;
}

static void overflow_main(void *arg) {
    volatile int none = 0;
    (void)arg;
    overflow(&none);
}

/* Uses all of the stack but what the switch itself may need (a ucontext_t is large). */
static void fill_main(void *arg) {
    struct runner *self = arg;
    size_t len = coroutine_stack_len - 16 * 1024;
    volatile char *bytes = __builtin_alloca(len);
    for (size_t i = 0; i < len; i += 64)
        bytes[i] = (char)i;
    leave(self);
    abort();
}

TEST(stack_is_usable_down_to_its_guard) {
    start(1, fill_main);
    enter(&runners[1]);
}

static void overflow_in_child(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    stack_t other = {.ss_sp = malloc(256 * 1024), .ss_size = 256 * 1024};
    sigaltstack(&other, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    enter(&runners[1]);
    _exit(0);
}

TEST(overflow_hits_the_guard) {
    int status;
    start(0, deep_main);
    start(1, overflow_main);
    guard_end = runners[1].flow.stack;
    guard = coroutine_stack_end(stacks, 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        overflow_in_child();
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), IN_GUARD);
}

static int run_all(const char *name) {
#define EACH(test) cmocka_unit_test_setup_teardown(test, open_stacks, close_stacks)
    const struct CMUnitTest tests[] = {
        EACH(many_flows_keep_their_stacks), EACH(flows_switch_among_themselves),
        EACH(registers_are_preserved),      EACH(stack_is_aligned),
        EACH(stack_is_used_again),          EACH(stack_is_usable_down_to_its_guard),
        EACH(overflow_hits_the_guard),
    };
    return cmocka_run_group_tests_name(name, tests, NULL, NULL);
}

int main(void) {
    way = (struct way){"the machine's", coroutine_flow_open, coroutine_switch};
    int failed = run_all(way.name);
#ifdef COROUTINE_UCONTEXT
    way = (struct way){"portable", coroutine_flow_open_portable, coroutine_switch_portable};
    failed += run_all(way.name);
#endif
    return failed != 0;
}
