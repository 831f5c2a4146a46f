/* Where a file system lies. One on a network, or in a process (FUSE), may hang in whatever it is asked: opening and
   closing a file, too. So threads that others wait for ask nothing of it. */
#ifndef LOCAL_H
#define LOCAL_H

#include <stdbool.h>

/* Whether that of the open file or folder is known to lie on this machine. May wait for it. */
bool local_fd(int fd);

#endif
