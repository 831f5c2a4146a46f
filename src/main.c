/* httpd: a static HTTP/1.1 file server whose concurrency model is chosen at start. */
#include "server.h"

int main(int argc, char **argv) {
    struct config config;
    config_read(&config, argc, argv);
    return server_run(&config);
}
