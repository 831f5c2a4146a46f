/* What was given up is asked for again afterwards, and must be refused: no call is believed to have done it. */
#define _GNU_SOURCE
#include "guard/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CAPABILITY_WORDS = 2 }; /* of _LINUX_CAPABILITY_VERSION_3 */

static bool fail(char *error, size_t error_size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool fail(char *error, size_t error_size, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error, error_size, format, args);
    va_end(args);
    return false;
}

/* A number that an id may be; -1 stands for none. */
static bool id_of(const char *text, unsigned long *id) {
    char *end;
    errno = 0;
    *id = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && errno == 0 && *id < UINT32_MAX;
}

static bool find_group(struct privileges *privileges, const char *name, char *error, size_t error_size) {
    unsigned long id;
    const struct group *group = getgrnam(name);
    if (group)
        privileges->gid = group->gr_gid;
    else if (id_of(name, &id))
        privileges->gid = (gid_t)id;
    else
        return fail(error, error_size, "there is no group %s (groupadd --system makes one)", name);
    return true;
}

bool privileges_find(struct privileges *privileges, const char *text, char *error, size_t error_size) {
    const char *colon = strchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : strlen(text);
    unsigned long id;
    if (len == 0 || len >= sizeof privileges->name)
        return fail(error, error_size, "is no user");
    memcpy(privileges->name, text, len);
    privileges->name[len] = '\0';
    const struct passwd *user = getpwnam(privileges->name);
    if (!user && id_of(privileges->name, &id)) {
        user = getpwuid((uid_t)id);
        privileges->uid = (uid_t)id;
        privileges->gid = (gid_t)id; /* of a number that nobody has, as containers use them */
    } else if (!user) {
        return fail(error, error_size, "there is no user %s (useradd --system %s makes one)", privileges->name,
                    privileges->name);
    }
    if (user) {
        privileges->uid = user->pw_uid;
        privileges->gid = user->pw_gid;
        snprintf(privileges->name, sizeof privileges->name, "%s", user->pw_name);
    }
    if (colon && !find_group(privileges, colon + 1, error, error_size))
        return false;
    if (privileges->uid == 0 || privileges->gid == 0)
        return fail(error, error_size, "is root, whose rights are what it is to give up");
    return true;
}

static bool drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[CAPABILITY_WORDS] = {{0}};
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
        return false;
    return syscall(SYS_capset, &header, none) == 0;
}

/* While it is still root: what could be gained by exec is emptied too. A container may not let us; then nothing can be
   gained all the same, since no_new_privs holds and no uid is 0. */
static void drop_bounding_set(void) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

static bool holds_nothing(const struct privileges *privileges) {
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct has[CAPABILITY_WORDS];
    if (getresuid(&real, &effective, &saved) < 0 || getresgid(&real_group, &effective_group, &saved_group) < 0 ||
        syscall(SYS_capget, &header, has) < 0)
        return false;
    for (int i = 0; i < CAPABILITY_WORDS; i++)
        if (has[i].effective || has[i].permitted || has[i].inheritable)
            return false;
    gid_t groups[64];
    int count = getgroups(64, groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == 0)
            return false;
    return count >= 0 && real == privileges->uid && effective == real && saved == real &&
           real_group == privileges->gid && effective_group == real_group && saved_group == real_group &&
           prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) == 0 && setuid(0) < 0 && setgid(0) < 0;
}

bool privileges_drop(const struct privileges *privileges, char *error, size_t error_size) {
    drop_bounding_set();
    if (initgroups(privileges->name, privileges->gid) < 0 && setgroups(0, NULL) < 0)
        return fail(error, error_size, "can't give up root's groups: %s", strerror(errno));
    if (setresgid(privileges->gid, privileges->gid, privileges->gid) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0 ||
        setresuid(privileges->uid, privileges->uid, privileges->uid) < 0)
        return fail(error, error_size, "can't become %s: %s", privileges->name, strerror(errno));
    if (!drop_capabilities() || !holds_nothing(privileges))
        return fail(error, error_size, "root's rights are still there after they were given up");
    return true;
}

bool privileges_is(const struct privileges *privileges, char *error, size_t error_size) {
    return privileges->uid == geteuid() ||
           fail(error, error_size, "only root can become another user: start it as root, or as that user");
}

bool privileges_root(void) {
    return geteuid() == 0;
}
