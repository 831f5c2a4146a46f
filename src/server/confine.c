/* In an order in which each step has the rights that it takes: the file system's root, the user, the sandbox. */
#define _GNU_SOURCE
#include "server/confine.h"
#include "base/say.h"
#include "guard/privileges.h"
#include "guard/sandbox.h"
#include "server/config_check.h"
#include "server/logs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PLACES_MAX = 16 };

/* What the sandbox is without. */
static char missing[128];

struct places {
    struct sandbox_place at[PLACES_MAX];
    char paths[PLACES_MAX][PATH_MAX];
    int count;
};

/* None has a longer name than PATH_MAX: it was opened. */
static void add_place(struct places *places, const char *path, enum landlock_access access) {
    if (places->count == PLACES_MAX)
        return;
    snprintf(places->paths[places->count], PATH_MAX, "%s", path);
    places->at[places->count] = (struct sandbox_place){places->paths[places->count], access};
    places->count++;
}

/* The folder that a name lies in: the file is another one after it was replaced. */
static void add_folder_of(struct places *places, const char *path, enum landlock_access access) {
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + (slash == path) : 1, slash ? path : ".");
    add_place(places, folder, access);
}

/* The same of a file, and of what its name leads to, where it is a link: that is replaced, too. */
static void add_file(struct places *places, const char *path, enum landlock_access access) {
    char real[PATH_MAX];
    struct stat st;
    if (!path)
        return;
    add_folder_of(places, path, access);
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode) && realpath(path, real) && strrchr(real, '/') != real)
        add_folder_of(places, real, access);
}

/* A deploy may point another link than the root itself elsewhere, one on the way to it: `current` of
   /srv/site/current/public. Of such links the last is the one: what it leads to then is looked for at the side of what
   it leads to now. */
static void add_way(struct places *places, const char *root) {
    char way[PATH_MAX], real[PATH_MAX], last[PATH_MAX] = "";
    struct stat st;
    snprintf(way, sizeof way, "%s", root);
    for (char *slash = way; (slash = strchr(slash + 1, '/')); *slash = '/') {
        *slash = '\0';
        if (lstat(way, &st) == 0 && S_ISLNK(st.st_mode))
            snprintf(last, sizeof last, "%s", way);
    }
    if (*last && realpath(last, real) && strrchr(real, '/') != real)
        add_folder_of(places, real, LANDLOCK_READ);
}

/* Rules hold for what lies beneath a folder, not for its name: so that the root may be replaced, or be a symbolic link
   that a deploy points to a neighbour, the folders that the name and what it leads to lie in are allowed; but not all
   there is. */
static void add_root(struct places *places, const struct site_config *site) {
    char real[PATH_MAX], plain[PATH_MAX];
    if (site->symlinks == SYMLINKS_ALL) { /* these lead wherever they like */
        add_place(places, "/", LANDLOCK_READ);
        return;
    }
    add_place(places, site->root, LANDLOCK_READ);
    snprintf(plain, sizeof plain, "%s", site->root);
    size_t len = strlen(plain);
    while (len > 1 && plain[len - 1] == '/')
        plain[--len] = '\0';
    if (strrchr(plain, '/') && strrchr(plain, '/') != plain)
        add_folder_of(places, plain, LANDLOCK_READ);
    if (realpath(site->root, real) && strrchr(real, '/') != real)
        add_folder_of(places, real, LANDLOCK_READ);
    add_way(places, plain);
}

/* Logs are opened again under the same name; a FIFO both to read and to write, so that it stays open. */
static void add_log(struct places *places, const char *path) {
    struct stat st;
    add_file(places, path, LANDLOCK_APPEND);
    if (path && stat(path, &st) == 0 && S_ISFIFO(st.st_mode))
        add_place(places, path, LANDLOCK_READ);
}

static bool enter_sandbox(const struct config *config) {
    static struct places places;
    char error[256];
    add_root(&places, &config->settings.site);
    add_file(&places, config->config_path, LANDLOCK_READ);
    add_file(&places, config->auth_path, LANDLOCK_READ);
    add_file(&places, config->mime_path, LANDLOCK_READ);
    add_log(&places, logs_access_file(config));
    add_log(&places, config->error_log);
    tzset(); /* reads a file */
    if (!sandbox_enter(places.at, places.count, config->settings.backend->calls, missing, sizeof missing, error,
                       sizeof error)) {
        say("can't enter the sandbox: %s; --no-sandbox does without", error);
        return false;
    }
    return true;
}

static bool enter_root(struct config *config) {
    if (chroot(config->settings.site.root) == 0 && chdir("/") == 0) {
        config->settings.site.root = "/";
        return true;
    }
    say("--chroot: %s: %s%s", config->settings.site.root, strerror(errno), errno == EPERM ? "; only root can" : "");
    return false;
}

static bool become_user(const struct config *config) {
    char error[256];
    if (!config->user_given)
        return true;
    if (privileges_root() ? privileges_drop(&config->user, error, sizeof error)
                          : privileges_is(&config->user, error, sizeof error))
        return true;
    say("--user %s: %s", config->user.name, error);
    return false;
}

/* The root that could be opened before may be out of the new user's reach. */
static bool has_root(const struct config *config) {
    return !config->user_given || config_check_root(config);
}

bool confine_wanted(const struct config *config) {
    return config->user_given || config->chroot || !config->no_sandbox;
}

static bool as_root; /* asked before the sandbox is entered, as in it nobody may */

bool confine(struct config *config) {
    if ((config->chroot && !enter_root(config)) || !become_user(config) || !has_root(config))
        return false;
    as_root = privileges_root();
    return config->no_sandbox || enter_sandbox(config);
}

void confine_say(const struct config *config) {
    if (as_root)
        say_as(SAY_WARNING, "running as root: --user NAME gives its rights up once the ports are open");
    if (!config->no_sandbox && missing[0])
        say_as(SAY_WARNING, "the sandbox is without %s, which is not to be had here", missing);
}
