/* The folder stays what it was, as paths in options are relative to it; so does the umask. */
#define _GNU_SOURCE
#include "server/daemon.h"

#include "base/say.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* The command: ends as its server begins. One that died without a word is a failure. */
static _Noreturn void daemon_wait(int fd, pid_t child) {
    unsigned char status = 1;
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    while (read(fd, &status, 1) < 0 && errno == EINTR)
        ;
    _exit(status);
}

int daemon_open(struct daemon *daemon) {
    int ends[2];
    daemon->starter_fd = -1;
    daemon->nothing_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (daemon->nothing_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close(ends[1]);
        daemon_wait(ends[0], child);
    }
    close(ends[0]);
    setsid();
    pid_t server = fork(); /* which leads no session, and so never gets a terminal by opening one */
    if (server < 0)
        say("--daemon: can't fork: %s", strerror(errno));
    if (server != 0)
        _exit(server < 0);
    daemon->starter_fd = ends[1];
    return 0;
}

static void detach(int stream, int nothing) {
    struct stat status;
    if (fstat(stream, &status) < 0 || !S_ISREG(status.st_mode))
        dup3(nothing, stream, 0); /* on every architecture the one call that the sandbox allows */
}

static void daemon_tell(struct daemon *daemon, unsigned char status) {
    if (write(daemon->starter_fd, &status, 1) < 0)
        return; /* the command has been killed: its server goes on */
    close(daemon->starter_fd);
    daemon->starter_fd = -1;
}

void daemon_detach(const struct daemon *daemon) {
    if (daemon->starter_fd < 0)
        return;
    for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++)
        detach(stream, daemon->nothing_fd);
}

void daemon_serves(struct daemon *daemon) {
    daemon_detach(daemon);
    if (daemon->starter_fd >= 0)
        daemon_tell(daemon, 0);
}

void daemon_failed(struct daemon *daemon, int status) {
    if (daemon->starter_fd >= 0)
        daemon_tell(daemon, (unsigned char)status);
}
