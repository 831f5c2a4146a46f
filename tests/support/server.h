/* server - the program under test as a child process.
 *
 * The binary is named by the environment variable HTTPD. It listens on a port of 127.0.0.1 that the kernel chose and
 * that the start-up banner tells. What it writes to stderr is read all the time, so it can't block on it. The child is
 * killed by the kernel when the test program ends, however that happens. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server;

/* Starts `$HTTPD -l 127.0.0.1:0 -r ROOT -m MODEL EXTRA...` with ROOT as its working directory and waits for the banner.
 * extra_args ends with NULL, or is NULL. The result is NULL after a message on stderr. */
struct server *server_start(const char *model, const char *root, const char *const extra_args[]);

int server_port(const struct server *);
pid_t server_pid(const struct server *);

void server_signal(const struct server *, int signal_number);

/* Stops it for a while, until it gets SIGCONT. */
void server_pause(const struct server *);

/* Waits until the process has ended. False after timeout_ms. *status is what waitpid(2) gives. */
bool server_wait(struct server *, int timeout_ms, int *status);

/* Ends the server with SIGTERM and frees it. True when it exited by itself in time with status 0, left no process
 * behind, and no sanitizer complained; otherwise the reason and its stderr are printed. */
bool server_stop(struct server *);

/* The same without the signal and with any exit status, for a server that was told to end by other means. */
bool server_close(struct server *);

#endif
