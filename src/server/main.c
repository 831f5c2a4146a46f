/* httpd: a static HTTP/1.1 file server whose concurrency model is chosen at start. */
#include "server/server.h"

int main(int argc, char **argv) {
    static struct config config; /* static: what it points to is in use to the end */
    config_read(&config, argc, argv);
    return server_run(&config);
}
