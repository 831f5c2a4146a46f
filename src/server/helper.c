#define _GNU_SOURCE
#include "server/helper.h"
#include "base/say.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A helper gives the lowest descriptors a meaning of its own, and no line may be written there: the error log's is
   above them. */
enum { LOG_FD_LEAST = 8 };

/* By way of a process that ends at once, and whose child is nobody's then. */
int helper_open(const char *what, const char *instead, int type, helper_main_fn *main, void *ctx) {
    int ends[2];
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) < 0) {
        say("%s: no descriptors: %s; raise the limit (ulimit -n)%s", what, strerror(errno), instead);
        return -1;
    }
    pid_t between = fork();
    if (between == 0) {
        if (fork() == 0) {
            say_lift(LOG_FD_LEAST);
            main(ctx, ends[1]);
        }
        _exit(0);
    }
    int error = errno;
    close(ends[1]);
    if (between < 0) {
        close(ends[0]);
        say("%s: can't fork: %s; raise the limit (ulimit -u)%s", what, strerror(error), instead);
        return -1;
    }
    waitpid(between, NULL, 0); /* or it is reaped unheard: SIGCHLD is ignored */
    return ends[0];
}

static void close_range_of(int first, unsigned last) {
    if (syscall(SYS_close_range, first, last, 0) < 0)
        for (int fd = first; fd < 1024 && (unsigned)fd <= last; fd++)
            close(fd);
}

void helper_close_from(int first) {
    int log = say_fd();
    if (log > first)
        close_range_of(first, (unsigned)log - 1);
    close_range_of(log >= first ? log + 1 : first, ~0u);
}
