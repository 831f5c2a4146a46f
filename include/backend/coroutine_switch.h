/* Flows of control in one thread, each on a stack of its own, of which one runs until it switches to another. Knows
   nothing of who runs when. */
#ifndef COROUTINE_SWITCH_H
#define COROUTINE_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h> /* tells __GLIBC__ */

/* Where a flow goes on when it is switched to. Zeroed, it stands for the one that runs already, on the thread's own
   stack. It must stay where it is. */
struct coroutine_flow {
    void *stopped; /* on its stack: what it has saved there */
    void (*main)(void *arg);
    void *arg;
    /* What sanitizers must be told. */
    struct coroutine_flow *before; /* who switched to it last */
    const void *stack;
    size_t stack_len;
    void *fake_stack, *fiber;
};

/* Prepares a flow on stack[0..len) that begins with main(arg), which must not return. */
void coroutine_flow_open(struct coroutine_flow *flow, char *stack, size_t len, void (*main)(void *), void *arg);

/* Forgets a flow that doesn't run; its stack is the caller's again, with all that lies on it. */
void coroutine_flow_close(struct coroutine_flow *flow);

/* Leaves `from`, which runs, and goes on with `to`. Returns when somebody switches to `from`. Registers that a call
   preserves are preserved, but for the modes of the floating-point unit, which all flows of a thread share. */
void coroutine_switch(struct coroutine_flow *from, struct coroutine_flow *to);

#ifdef __GLIBC__ /* other C libraries may not have it */
#define COROUTINE_UCONTEXT
/* The same by ucontext, with two system calls a switch: what the above are where there is no assembly for the machine,
   or COROUTINE_SWITCH_PORTABLE is defined. A flow is switched to and from the way it was opened. */
void coroutine_flow_open_portable(struct coroutine_flow *flow, char *stack, size_t len, void (*main)(void *),
                                  void *arg);
void coroutine_switch_portable(struct coroutine_flow *from, struct coroutine_flow *to);
#endif

/* Address space for `count` stacks, of coroutine_stack_len bytes each; NULL: there is none. */
extern const size_t coroutine_stack_len;
char *coroutine_stacks_open(size_t count);
void coroutine_stacks_close(char *stacks, size_t count);

/* Where stack `index` ends. */
char *coroutine_stack_end(char *stacks, size_t index);

/* Makes it usable: what lies below it never is, so that who outgrows it gets SIGSEGV. False: errno says why. */
bool coroutine_stack_use(char *stacks, size_t index);

#endif
