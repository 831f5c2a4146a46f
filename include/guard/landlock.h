/* Landlock: which files the process, and what it starts, may still reach by name. What it has open it keeps. */
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <stdbool.h>

enum landlock_access {
    LANDLOCK_READ,   /* files and folders beneath a folder, or one file */
    LANDLOCK_APPEND, /* files beneath a folder are made and written; and cut, by what is left of a line */
};

/* The kernel's version of it; 0: it has none. */
int landlock_version(void);

/* An empty set of rules; a descriptor, or -1 with errno. */
int landlock_open(void);

/* Adds a rule for what lies beneath `path` now. A path that isn't there is passed over. False with errno. */
bool landlock_allow(int rules, const char *path, enum landlock_access access);

/* Puts the calling thread, and all that it starts from now on, under the rules, and closes them: nothing else may be
   reached by name; no TCP port bound or connected to and no abstract socket or process outside signalled, where the
   kernel knows how. False with errno. */
bool landlock_enter(int rules);

#endif
