/* In /var/tmp, which is on a disk where there is one: /tmp may be in memory, and never cold. */
#define _GNU_SOURCE
#include "server/lab_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SMALL_LEN = 1000, BIG_LEN = 64 << 20, COLD_LEN = 1 << 20, MANY_COUNT = 100000, LINKS_MAX = 50000 };

static bool make_file(int folder_fd, const char *name, off_t len) {
    int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && (len == 0 || ftruncate(fd, len) == 0);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Written, as a hole isn't read from a disk; and synced, as what is to be written can't be put out of memory. */
static bool make_cold(int folder_fd) {
    static char bytes[COLD_LEN];
    bool ok = true;
    memset(bytes, 'c', sizeof bytes);
    for (unsigned i = 0; ok && i < LAB_COLD_FILES; i++) {
        char name[32];
        snprintf(name, sizeof name, LAB_COLD_NAME, i);
        int fd = openat(folder_fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        ok = fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes && fdatasync(fd) == 0;
        if (fd >= 0)
            close(fd);
    }
    return ok;
}

/* Links, of which a file may have 65,000 on ext4: made and removed in half the time that files take. */
static bool make_many(int folder_fd) {
    char name[32], first[32] = "";
    int many_fd = mkdirat(folder_fd, LAB_MANY_NAME, 0700) < 0
                      ? -1
                      : openat(folder_fd, LAB_MANY_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = many_fd >= 0;
    for (int i = 0; ok && i < MANY_COUNT; i++) {
        snprintf(name, sizeof name, "entry-%05d", i);
        if (i % LINKS_MAX == 0)
            ok = make_file(many_fd, strcpy(first, name), 0);
        else
            ok = linkat(many_fd, first, many_fd, name, 0) == 0;
    }
    if (many_fd >= 0)
        close(many_fd);
    return ok;
}

bool lab_files_make(const struct experiment *experiment, char folder[LAB_FOLDER_MAX]) {
    strcpy(folder, "/var/tmp/httpd-lab-XXXXXX");
    if (!mkdtemp(folder) && !mkdtemp(strcpy(folder, "/tmp/httpd-lab-XXXXXX")))
        return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && make_file(fd, "small", SMALL_LEN) && make_file(fd, "big", BIG_LEN) &&
              (strcmp(experiment->name, "cold") != 0 || make_cold(fd)) &&
              (strcmp(experiment->name, "folder") != 0 || make_many(fd));
    if (fd >= 0)
        close(fd);
    return ok;
}

static void remove_all(DIR *dir) {
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
}

void lab_files_remove(const char *folder) {
    char path[LAB_FOLDER_MAX + 16];
    snprintf(path, sizeof path, "%s/" LAB_MANY_NAME, folder);
    remove_all(opendir(path));
    rmdir(path);
    remove_all(opendir(folder));
    rmdir(folder);
}
