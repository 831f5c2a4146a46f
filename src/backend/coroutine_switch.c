/* A switch is a call that returns somewhere else: it pushes the registers that a call must preserve, exchanges the
   stack pointer for one that was left the same way, pops, and returns; all other registers the compiler takes for lost
   anyway. The stack of a new flow is laid out as if it had been left just before its first instruction. */
#define _GNU_SOURCE
#include "backend/coroutine_switch.h"
#include "base/check.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#ifdef COROUTINE_UCONTEXT
#include <ucontext.h>
#endif

/* Notes in *stopped where the caller stops, and goes on where `to` was noted. */
typedef void jump_fn(void **stopped, void *to);
/* Lays out stack[0..len) so that a jump to the result calls flow_begin(flow). */
typedef void *layout_fn(char *stack, size_t len, struct coroutine_flow *flow);

static void flow_begin(struct coroutine_flow *flow);

/* Sanitizers must be told of stacks. AddressSanitizer wants to know where the next one lies, which of the thread's own
   it tells us itself, when it is left. ThreadSanitizer keeps a stack of its own for each, that function entries and
   exits push and pop: what is called while switching must be part of one function. */
#define INLINE static inline __attribute__((always_inline))

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>

const size_t coroutine_stack_len = 1024 * 1024;

INLINE void flow_opened(struct coroutine_flow *flow) {
    (void)flow;
}

INLINE void flow_leave(struct coroutine_flow *from, struct coroutine_flow *to) {
    to->before = from;
    __sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_len);
}

INLINE void flow_arrive(struct coroutine_flow *flow) {
    __sanitizer_finish_switch_fiber(flow->fake_stack, &flow->before->stack, &flow->before->stack_len);
}

INLINE void flow_closed(struct coroutine_flow *flow) {
    __asan_unpoison_memory_region(flow->stack, flow->stack_len);
}

#elif defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>

const size_t coroutine_stack_len = 1024 * 1024;

INLINE void flow_opened(struct coroutine_flow *flow) {
    flow->fiber = __tsan_create_fiber(0);
}

INLINE void flow_leave(struct coroutine_flow *from, struct coroutine_flow *to) {
    from->fiber = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->fiber, 0);
}

INLINE void flow_arrive(struct coroutine_flow *flow) {
    (void)flow;
}

INLINE void flow_closed(struct coroutine_flow *flow) {
    __tsan_destroy_fiber(flow->fiber);
}

#else
/* The deepest paths, to a listing or a file that isn't cached, take 64 KiB, and 88 where links are resolved by hand.
   What isn't touched is only address space. */
const size_t coroutine_stack_len = 128 * 1024;

INLINE void flow_opened(struct coroutine_flow *flow) {
    (void)flow;
}

INLINE void flow_leave(struct coroutine_flow *from, struct coroutine_flow *to) {
    (void)from, (void)to;
}

INLINE void flow_arrive(struct coroutine_flow *flow) {
    (void)flow;
}

INLINE void flow_closed(struct coroutine_flow *flow) {
    (void)flow;
}
#endif

#if defined(COROUTINE_SWITCH_PORTABLE)
/* clang-format off */
#elif defined(__x86_64__) && defined(__LP64__)
#define HAVE_ASSEMBLY
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl coroutine_jump\n"
    ".hidden coroutine_jump\n"
    ".type coroutine_jump, @function\n"
    "coroutine_jump:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size coroutine_jump, . - coroutine_jump\n"
    ".globl coroutine_start\n"
    ".hidden coroutine_start\n"
    ".type coroutine_start, @function\n"
    "coroutine_start:\n"
    "    movq %r13, %rdi\n"
    "    callq *%r12\n"
    "    ud2\n"
    ".size coroutine_start, . - coroutine_start\n"
);
enum { SAVED_MAIN = 3, SAVED_ARG = 2, SAVED_RETURN = 6, SAVED_COUNT = 9 }; /* words, from the stack pointer up */

#elif defined(__aarch64__) && defined(__LP64__)
#define HAVE_ASSEMBLY
__asm__(
    ".text\n"
    ".p2align 4\n"
    ".globl coroutine_jump\n"
    ".hidden coroutine_jump\n"
    ".type coroutine_jump, %function\n"
    "coroutine_jump:\n"
    "    sub sp, sp, #160\n"
    "    stp x19, x20, [sp, #0]\n"
    "    stp x21, x22, [sp, #16]\n"
    "    stp x23, x24, [sp, #32]\n"
    "    stp x25, x26, [sp, #48]\n"
    "    stp x27, x28, [sp, #64]\n"
    "    stp x29, x30, [sp, #80]\n"
    "    stp d8, d9, [sp, #96]\n"
    "    stp d10, d11, [sp, #112]\n"
    "    stp d12, d13, [sp, #128]\n"
    "    stp d14, d15, [sp, #144]\n"
    "    mov x9, sp\n"
    "    str x9, [x0]\n"
    "    mov sp, x1\n"
    "    ldp x19, x20, [sp, #0]\n"
    "    ldp x21, x22, [sp, #16]\n"
    "    ldp x23, x24, [sp, #32]\n"
    "    ldp x25, x26, [sp, #48]\n"
    "    ldp x27, x28, [sp, #64]\n"
    "    ldp x29, x30, [sp, #80]\n"
    "    ldp d8, d9, [sp, #96]\n"
    "    ldp d10, d11, [sp, #112]\n"
    "    ldp d12, d13, [sp, #128]\n"
    "    ldp d14, d15, [sp, #144]\n"
    "    add sp, sp, #160\n"
    "    ret\n"
    ".size coroutine_jump, . - coroutine_jump\n"
    ".globl coroutine_start\n"
    ".hidden coroutine_start\n"
    ".type coroutine_start, %function\n"
    "coroutine_start:\n"
    "    mov x0, x20\n"
    "    blr x19\n"
    "    brk #1\n"
    ".size coroutine_start, . - coroutine_start\n"
);
enum { SAVED_MAIN = 0, SAVED_ARG = 1, SAVED_RETURN = 11, SAVED_COUNT = 20 };
#endif
/* clang-format on */

#ifdef HAVE_ASSEMBLY
jump_fn coroutine_jump;
void coroutine_start(void);

/* The frame pointer and the words above the first frame are zero: there a debugger sees that it is the first. */
static void *layout(char *stack, size_t len, struct coroutine_flow *flow) {
    uintptr_t saved[SAVED_COUNT] = {0};
    saved[SAVED_MAIN] = (uintptr_t)flow_begin;
    saved[SAVED_ARG] = (uintptr_t)flow;
    saved[SAVED_RETURN] = (uintptr_t)coroutine_start;
    return memcpy(stack + len - sizeof saved, saved, sizeof saved);
}
#define OWN_JUMP coroutine_jump
#define OWN_LAYOUT layout
#else
#define OWN_JUMP jump_portable
#define OWN_LAYOUT layout_portable
#endif

#ifdef COROUTINE_UCONTEXT
static void jump_portable(void **stopped, void *to) {
    ucontext_t here;
    here.uc_stack = (stack_t){0}; /* AddressSanitizer looks at it */
    *stopped = &here;
    CHECK(swapcontext(&here, to) == 0);
}

/* makecontext() passes ints. */
static void begin_portable(unsigned high, unsigned low) {
    uint64_t flow = (uint64_t)high << 32 | low;
    flow_begin((struct coroutine_flow *)(uintptr_t)flow);
}

static void *layout_portable(char *stack, size_t len, struct coroutine_flow *flow) {
    size_t context_len = (sizeof(ucontext_t) + 63) & ~(size_t)63;
    ucontext_t *context = (ucontext_t *)(void *)(stack + len - context_len);
    uint64_t arg = (uintptr_t)flow;
    CHECK(getcontext(context) == 0);
    context->uc_stack = (stack_t){.ss_sp = stack, .ss_size = len - context_len};
    context->uc_link = NULL;
    makecontext(context, (void (*)(void))begin_portable, 2, (unsigned)(arg >> 32), (unsigned)arg);
    return context;
}
#endif

static void flow_begin(struct coroutine_flow *flow) {
    flow_arrive(flow);
    flow->main(flow->arg);
    CHECK(!"the main function of a flow has returned");
}

INLINE void flow_switch(struct coroutine_flow *from, struct coroutine_flow *to, jump_fn *jump) {
    flow_leave(from, to);
    jump(&from->stopped, to->stopped);
    flow_arrive(from);
}

static void flow_open(struct coroutine_flow *flow, char *stack, size_t len, layout_fn *lay_out) {
    len -= (uintptr_t)(stack + len) % 16;
    flow->stack = stack;
    flow->stack_len = len;
    flow->stopped = lay_out(stack, len, flow);
    flow_opened(flow);
}

void coroutine_flow_close(struct coroutine_flow *flow) {
    flow_closed(flow);
    *flow = (struct coroutine_flow){0};
}

void coroutine_flow_open(struct coroutine_flow *flow, char *stack, size_t len, void (*main)(void *), void *arg) {
    *flow = (struct coroutine_flow){.main = main, .arg = arg};
    flow_open(flow, stack, len, OWN_LAYOUT);
}

void coroutine_switch(struct coroutine_flow *from, struct coroutine_flow *to) {
    flow_switch(from, to, OWN_JUMP);
}

#ifdef COROUTINE_UCONTEXT
void coroutine_flow_open_portable(struct coroutine_flow *flow, char *stack, size_t len, void (*main)(void *),
                                  void *arg) {
    *flow = (struct coroutine_flow){.main = main, .arg = arg};
    flow_open(flow, stack, len, layout_portable);
}

void coroutine_switch_portable(struct coroutine_flow *from, struct coroutine_flow *to) {
    flow_switch(from, to, jump_portable);
}
#endif

/* Each stack lies above its guard, which is wider than the largest frame, so that none steps over it, and a multiple of
   whatever the page size. */
enum { GUARD_LEN = 64 * 1024 };

static size_t stacks_len(size_t count) {
    return count * (GUARD_LEN + coroutine_stack_len);
}

char *coroutine_stacks_open(size_t count) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *stacks = mmap(NULL, stacks_len(count), PROT_NONE, flags, -1, 0);
    return stacks == MAP_FAILED ? NULL : stacks;
}

void coroutine_stacks_close(char *stacks, size_t count) {
    munmap(stacks, stacks_len(count));
}

char *coroutine_stack_end(char *stacks, size_t index) {
    return stacks + stacks_len(index + 1);
}

bool coroutine_stack_use(char *stacks, size_t index) {
    char *stack = coroutine_stack_end(stacks, index) - coroutine_stack_len;
    return mprotect(stack, coroutine_stack_len, PROT_READ | PROT_WRITE) == 0;
}
