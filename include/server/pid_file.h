/* The file that --pid-file names: a line with the process' number, locked (flock) for as long as the server lives. */
#ifndef PID_FILE_H
#define PID_FILE_H

#include <stdbool.h>
#include <sys/types.h>

struct pid_file {
    const char *path; /* NULL: there is none */
    int fd;           /* holds the lock */
};

/* Makes the file for the server `pid`, at once with its line. What a server has left behind is replaced, and
   `successor` replaces its predecessor's. False after say(): a server runs with it, or it can't be made. */
bool pid_file_open(struct pid_file *file, const char *path, pid_t pid, bool successor);

/* Removes it, if it is still this process'. */
void pid_file_close(struct pid_file *file);

#endif
