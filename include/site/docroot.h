/* The document root: opens files beneath it and nowhere else. */
#ifndef DOCROOT_H
#define DOCROOT_H

#include "site/site_config.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct docroot {
    const char *path;
    enum symlinks symlinks;
    int fd;
    dev_t device;
    ino_t inode;
    bool walk;   /* the kernel has no openat2: components are walked one by one */
    bool remote; /* its file system may hang: nothing in it is at hand */
};

/* Opens the root. 0, or -errno. */
int docroot_open(struct docroot *root, const char *path, enum symlinks symlinks);
void docroot_close(struct docroot *root);

/* Looks whether `path` names another folder now (a deploy that flips a symlink), which then is opened as *fresh:
   whatever was found before is void. A root whose name is gone for the moment is kept, until it is deleted itself. */
enum docroot_news { ROOT_SAME, ROOT_MOVED, ROOT_GONE };
enum docroot_news docroot_look(const struct docroot *root, struct docroot *fresh);

/* The same without waiting: whether it is ROOT_SAME. False: it isn't, or can't be told. */
bool docroot_stays(const struct docroot *root);

/* What follows, and the look, may wait for a disk or a network, unless `at_hand`: then only what the kernel has in
   memory is found, and anything else is -EAGAIN. */

/* Opens `path` (decoded, relative, may be empty or end in a slash) for reading, following symbolic links as the root's
   `symlinks` says, and fills *st. Doesn't block on a FIFO and doesn't touch a device. Returns a descriptor
   (for anything but a regular file or a folder only an O_PATH one), or -errno; -EXDEV and -ELOOP for links that leave
   the root or don't end. */
int docroot_file(const struct docroot *root, const char *path, bool at_hand, struct stat *st);

/* The same without opening the file for reading: 0 and *st, or -errno. */
int docroot_stat(const struct docroot *root, const char *path, bool at_hand, struct stat *st);

/* Opens the folder at `path` for reading its entries. A descriptor, or -errno. Never at hand. */
int docroot_folder(const struct docroot *root, const char *path);

#endif
