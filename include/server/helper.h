/* Processes beside the server, for what its sandbox doesn't let it do, or what it must not wait for: the steward, the
   tracer, who runs the lab's experiments. Each holds one end of a pair of sockets, and the server the other: so each
   hears of the other's end. */
#ifndef HELPER_H
#define HELPER_H

/* What it does; must not return. `fd` is its end. */
typedef void helper_main_fn(void *ctx, int fd);

/* Starts one, before there are threads. It is no child of the server's, which waits for those. `type`: of the sockets.
   Returns the server's end; or -1 after say(), in a line that begins with `what` and ends with `instead`. */
int helper_open(const char *what, const char *instead, int type, helper_main_fn *main, void *ctx);

/* In it: closes all descriptors from `first` on but the error log's. */
void helper_close_from(int first);

#endif
