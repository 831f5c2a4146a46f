/* Which process listens at a TCP port, as far as /proc lets this one see. Opens files, so it is for start-up. */
#ifndef PORT_HOLDER_H
#define PORT_HOLDER_H

#include <stdbool.h>
#include <stddef.h>

struct sockaddr;

/* Writes who keeps `address` from being bound, fit for "in use by ...": "nginx (pid 1234)", or "a process of another
   user" where its descriptors can't be seen. False when /proc shows no such listener. */
bool port_holder_find(const struct sockaddr *address, char *text, size_t size);

#endif
