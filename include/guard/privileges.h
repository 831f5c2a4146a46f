/* Whom the process runs as. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct privileges {
    uid_t uid;
    gid_t gid;
    char name[64]; /* the user's */
};

/* Looks up USER or USER:GROUP, names or numbers; without a group it is the user's own. False with the reason in
   `error`: there is no such user, or it is root. */
bool privileges_find(struct privileges *privileges, const char *text, char *error, size_t error_size);

/* Makes the calling process, of one thread, the user: uid, gid, groups and capabilities, all of them and for good,
   which is looked at afterwards. The user's other groups are taken, as login does. False with the reason in `error`:
   nothing must be served then. */
bool privileges_drop(const struct privileges *privileges, char *error, size_t error_size);

/* Whether the calling process, which isn't root's, is the user's already. False with the reason in `error`. */
bool privileges_is(const struct privileges *privileges, char *error, size_t error_size);

/* Whether the process may do what only root may. */
bool privileges_root(void);

#endif
