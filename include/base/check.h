/* A bug aborts, in every build. What the peer or the kernel does is never a CHECK: it is a value. */
#ifndef CHECK_H
#define CHECK_H

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
