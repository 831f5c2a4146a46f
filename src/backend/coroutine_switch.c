/* A switch is a call that returns somewhere else: it pushes the registers that a call must preserve, exchanges the stack
   pointer for one that was left the same way, pops, and returns; all other registers the compiler takes for lost
   anyway. The stack of a new flow is laid out as if it had been left just before its first instruction. */
#define _GNU_SOURCE
#include "coroutine_switch.h"
#include "check.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN
#elif defined(__SANITIZE_THREAD__)
#define UNDER_TSAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN
#elif __has_feature(thread_sanitizer)
#define UNDER_TSAN
#endif
#endif

/* The server's deepest path (see the note on stacks in coroutine.c) takes less than half of it; a sanitizer's frames are
   several times as large. What isn't touched is only address space. */
#if defined(UNDER_ASAN) || defined(UNDER_TSAN)
const size_t coroutine_stack_len = 1024 * 1024;
#else
const size_t coroutine_stack_len = 128 * 1024;
#endif

/* Notes in *stopped where the caller stops, and goes on where `to` was stopped. */
typedef void jump_fn(void **stopped, void *to);
/* Lays out stack[0..len), ending at a multiple of 16, so that a jump to the result calls begin(flow). */
typedef void *layout_fn(char *stack, size_t len, struct coroutine_flow *flow);

static void flow_begin(struct coroutine_flow *flow);

/* clang-format off */
#if defined(__x86_64__) && defined(__LP64__)
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
enum { SAVED_MAIN = 3, SAVED_ARG = 2, SAVED_RETURN = 6, SAVED_COUNT = 8 }; /* words, from the stack pointer up */

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

/* Zero words above the first frame and in its frame pointer tell a debugger that it ends there. */
static void *layout(char *stack, size_t len, struct coroutine_flow *flow) {
    uintptr_t saved[SAVED_COUNT + 2] = {0};
    saved[SAVED_MAIN] = (uintptr_t)flow_begin;
    saved[SAVED_ARG] = (uintptr_t)flow;
    saved[SAVED_RETURN] = (uintptr_t)coroutine_start;
    return memcpy(stack + len - sizeof saved + (SAVED_RETURN + 1) % 2 * sizeof *saved, saved, sizeof saved);
}
#endif
