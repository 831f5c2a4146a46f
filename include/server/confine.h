/* The rights that the server gives up before it serves: root's (--user), the rest of the file system (--chroot), and
   what the sandbox takes. */
#ifndef CONFINE_H
#define CONFINE_H

#include "server/config.h"

/* Whether some of this makes a steward necessary. */
bool confine_wanted(const struct config *config);

/* Gives them up. With one thread. False after say(): nothing must be served. */
bool confine(struct config *config);

/* For the banner: says what has been kept. */
void confine_say(const struct config *config);

#endif
