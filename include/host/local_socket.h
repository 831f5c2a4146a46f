/* A listening unix socket and its name in the file system, which is somebody's only while his socket lies there. */
#ifndef LOCAL_SOCKET_H
#define LOCAL_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/un.h>

struct local_socket {
    struct sockaddr_un address; /* of another socket: zero bytes */
    mode_t mode;                /* of the name: who may write to it may connect */
    dev_t device;               /* the name's file, as bind(2) made it */
    ino_t inode;
};

/* Whether `spec` is for a unix socket at all. */
bool local_socket_is(const char *spec);

/* Reads "unix:PATH" or "unix:PATH,mode=OCTAL". False: neither. */
bool local_socket_parse(struct local_socket *local, const char *spec);

/* Opens what was parsed: non-blocking, close-on-exec. What a server left behind at the path is replaced, and so is what
   one that drains no longer listens at; anything else stays. Returns the descriptor; or, with one line in `error`,
   -EADDRINUSE when a server listens there, another negative number for what waiting can't mend. */
int local_socket_open(struct local_socket *local, const char *spec, char *error, size_t error_size);

/* Goes on with a socket that is bound to what was parsed, as its name's mode may have changed. */
void local_socket_adopt(struct local_socket *local);

/* Unlinks the path if that is still this socket. To be called before the descriptor is closed, which keeps the inode's
   number from being used again. */
void local_socket_unlink(const struct local_socket *local);

#endif
