#include "site/local.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* A disk's file system has the disk for its device; one in a process may have, too. Those without are in memory, or on
   disks of their own choice, or elsewhere. */
bool local_fd(int fd) {
    enum { FUSE = 0x65735546 };
    static const unsigned without_device[] = {
        0x794c7630, /* overlay: what is below is local */
        0x01021994, /* tmpfs */
        0x858458f6, /* ramfs */
        0x9123683e, /* btrfs */
        0x2fc12fc1, /* zfs */
        0xca451a4e, /* bcachefs */
    };
    struct statfs system;
    struct stat st;
    if (fstatfs(fd, &system) < 0 || (unsigned)system.f_type == FUSE)
        return false;
    for (unsigned i = 0; i < sizeof without_device / sizeof without_device[0]; i++)
        if ((unsigned)system.f_type == without_device[i])
            return true;
    return fstat(fd, &st) == 0 && major(st.st_dev) != 0;
}
