/* Its end of a pair of sockets tells it that the server is gone, however that ended; the server's, that the file is
   whole. */
#define _GNU_SOURCE
#include "server/tracer.h"
#include "base/clock.h"
#include "base/say.h"
#include "guard/sandbox.h"
#include "observe/trace.h"
#include "server/confine.h"
#include "server/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    SERVER_FD = 3,
    FILE_FD,
    LOOK_MS = 25,
    REST = 30,                 /* times as long as it wrote it rests: so it takes a thirtieth of a processor at most */
    LATE_NS = 2 * 1000 * 1000, /* a writer may have read the clock so long before it wrote */
    END_MS = 3000,             /* what is in the rings is written in some milliseconds */
    BUFFER_LEN = 256 * 1024,
};

/* Viewers take no more; and a disk isn't filled by what somebody forgot. */
static const off_t LEN_MOST = (off_t)1 << 30;

/* Another file takes the place of one that was there: a server that is replaced may still be writing that. */
static int open_file(const char *path) {
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))
        unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0644); /* or a FIFO would keep us */
    if (fd >= 0)
        fcntl(fd, F_SETFL, 0); /* the tracer may wait for whoever reads it */
    return fd;
}

/* What it is made with. */
struct tracing {
    const struct config *config;
    const struct event_rings *rings;
    unsigned clients; /* of each worker, at most */
    pid_t server;
    int file_fd;
};

static _Noreturn void tracer_main(const struct tracing *tracing) {
    const char *path = tracing->config->trace_path;
    const struct trace_about about = {HTTPD_VERSION, tracing->config->settings.backend->name, tracing->server,
                                      tracing->clients};
    struct pollfd end = {.fd = SERVER_FD, .events = POLLIN};
    FILE *file = fdopen(FILE_FD, "w");
    struct trace *trace =
        file && setvbuf(file, NULL, _IOFBF, BUFFER_LEN) == 0 ? trace_open(file, tracing->rings, &about) : NULL;
    if (!trace) {
        say("--trace %s: no memory", path);
        _exit(1);
    }
    bool full = false;
    uint64_t took_ns = 0;
    while (poll(&end, 1, LOOK_MS + (int)(took_ns * REST / 1000000)) <= 0 && !full) {
        uint64_t began_ns = clock_fine_ns();
        trace_drain(trace, began_ns - LATE_NS);
        took_ns = clock_fine_ns() - began_ns;
        full = ftello(file) > LEN_MOST || ferror(file);
    }
    if (!full)
        trace_drain(trace, UINT64_MAX);
    trace_close(trace);
    if (fclose(file) != 0)
        say("--trace %s: %s", path, strerror(errno));
    else if (full)
        say("--trace %s: 1 GiB is written: that is all", path);
    _exit(0);
}

/* Signals to the group are the server's. */
static _Noreturn void tracer_begin(void *ctx, int fd) {
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGCHLD};
    const struct tracing *tracing = ctx;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], SIG_IGN);
    prctl(PR_SET_NAME, "httpd-tracer");
    /* Who started the server waits until nobody has these. */
    int null = tracing->config->daemon ? open("/dev/null", O_RDWR) : -1;
    for (int stream = STDIN_FILENO; null >= 0 && stream <= STDERR_FILENO; stream++)
        dup2(null, stream);
    int high = fcntl(tracing->file_fd, F_DUPFD, FILE_FD + 1); /* neither number is in the other's way */
    dup2(fd, SERVER_FD);
    dup2(high, FILE_FD);
    helper_close_from(FILE_FD + 1);
    static struct config own; /* which says where the root is, seen from within it */
    own = *tracing->config;
    if (!confine(&own))
        _exit(1);
    sandbox_narrow(SANDBOX_WRITER);
    tracer_main(tracing);
}

bool tracer_open(struct tracer *tracer, const struct config *config, const struct event_rings *rings,
                 unsigned connections) {
    struct tracing tracing = {.config = config,
                              .rings = rings,
                              .clients = connections / (unsigned)config->settings.workers + 1,
                              .server = getpid(),
                              .file_fd = open_file(config->trace_path)};
    if (tracing.file_fd < 0) {
        say("--trace %s: %s", config->trace_path, strerror(errno));
        return false;
    }
    tracer->fd = helper_open("--trace", "", SOCK_STREAM, tracer_begin, &tracing);
    close(tracing.file_fd);
    return tracer->fd >= 0;
}

void tracer_close(struct tracer *tracer) {
    struct pollfd end = {.fd = tracer->fd, .events = POLLIN};
    if (tracer->fd < 0)
        return;
    shutdown(tracer->fd, SHUT_WR);
    poll(&end, 1, END_MS);
    close(tracer->fd);
    tracer->fd = -1;
}
