/* httpd: a static HTTP/1.1 file server whose concurrency model is chosen at start. */
#include "host/own_command.h"
#include "server/config_check.h"
#include "server/lab.h"
#include "server/server.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* If a standard stream is closed the next socket gets its number, and a client would be sent what is said there. */
static bool open_standard_streams(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
            return false;
    return true;
}

int main(int argc, char **argv) {
    static struct config config; /* static: threads that hang use it until the process has ended */
    if (!open_standard_streams())
        return 1; /* and nowhere to say so */
    if (argc > 1 && strcmp(argv[1], "lab") == 0)
        return lab_run(argc - 1, argv + 1);
    own_command_remember();
    config_read(&config, argc, argv);
    return config.check ? config_check_run(&config, argc, argv) : server_run(&config, argc, argv);
}
