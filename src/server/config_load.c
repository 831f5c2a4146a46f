/* The config as a whole: read, completed with the files that it names, and given back. */
#define _GNU_SOURCE
#include "base/hash.h"
#include "base/say.h"
#include "server/config.h"
#include "server/fields.h"
#include "server/logs.h"
#include "site/auth.h"
#include "site/auth_shared.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the process was at first; NULL: nowhere that has a name. */
static const char *start_folder(void) {
    static char folder[PATH_MAX];
    if (!folder[0] && (!getcwd(folder, sizeof folder) || folder[0] != '/')) /* "(unreachable)..." */
        folder[0] = '\0';
    return folder[0] ? folder : NULL;
}

static bool open_types(struct config *config, char *error, size_t error_size) {
    char wrong[OPTION_ERROR_MAX];
    config->mime = mime_map_open(config->mime_path, wrong, sizeof wrong);
    config->settings.site.mime = config->mime;
    if (!config->mime)
        snprintf(error, error_size, "--mime-types %s", wrong);
    return config->mime;
}

/* What is known of passwords stays when a config goes. */
static struct auth_shared *passwords;

static bool open_users(struct config *config, char *error, size_t error_size) {
    char wrong[OPTION_ERROR_MAX];
    config->settings.site.auth = auth_open(config->auth_path, passwords, wrong, sizeof wrong);
    if (!config->settings.site.auth)
        snprintf(error, error_size, "--auth %s", wrong);
    return config->settings.site.auth;
}

static void note_given(const struct option_given *given) {
    uint64_t *hash = &((struct config *)given->into)->given[given->row - config_table.rows];
    const char *value = given->value ? given->value : "";
    *hash = hash_bytes(value, strlen(value), *hash + 1);
}

/* What follows from the options taken together, and the files. Returns an exit status. */
static int settle(struct config *config, char *error, size_t error_size) {
    if (!passwords && !(passwords = auth_shared_open())) { /* at the first time, before anything is forked */
        snprintf(error, error_size, "no memory");
        return 1;
    }
    if ((unsigned)config->settings.workers > config->settings.limits.max_connections) /* each has one to serve */
        config->settings.workers = (int)config->settings.limits.max_connections;
    if (config->settings.trust.proxy_protocol && config->settings.trust.in_front.count == 0) {
        snprintf(error, error_size,
                 "--proxy-protocol: needs --trust CIDR, the addresses of the balancers that send it");
        return 2;
    }
    if (config->lab && !config->status_path)
        config->status_path = "/_httpd";
    if (config->status_allow.count > 0 && !config->status_path) {
        snprintf(error, error_size, "--status-allow: there is no --status to see");
        return 2;
    }
    config->settings.keep_peers = config->settings.trust.in_front.count > 0 || config->auth_path ||
                                  config->status_path || config->access_log_path || config->verbose;
    if (!fields_add_presets(config, error, error_size) || !logs_settle(config, error, error_size))
        return 2;
    return (!config->mime_path || open_types(config, error, error_size)) &&
                   (!config->auth_path || open_users(config, error, error_size))
               ? 0
               : 1;
}

static int load(struct config *config, bool again, int argc, char **argv, char *error, size_t error_size) {
    struct option_reading reading = {.table = &config_table,
                                     .into = config,
                                     .folder = start_folder(),
                                     .again = again,
                                     .tell = note_given,
                                     .error = error,
                                     .error_size = error_size};
    memset(config, 0, sizeof *config);
    int status = option_read_all(&reading, argc, argv);
    config->texts = reading.texts;
    if (status == 0 && config->show == CONFIG_SERVES)
        status = settle(config, error, error_size);
    if (status == 0)
        return 0;
    say_printable(error);
    config_free(config);
    return status;
}

int config_load(struct config *config, int argc, char **argv, char *error, size_t error_size) {
    return load(config, false, argc, argv, error, error_size);
}

int config_load_again(struct config *config, int argc, char **argv, char *error, size_t error_size) {
    return load(config, true, argc, argv, error, error_size);
}

void config_free(struct config *config) {
    mime_map_close(config->mime);
    auth_close(config->settings.site.auth);
    option_texts_free(config->texts);
    memset(config, 0, sizeof *config);
}

static void print_option(const struct option_given *given) {
    const struct config *config = given->into;
    if (config->listen_count > 0 && &config->port == option_field(given))
        return; /* its preset, which doesn't hold beside --listen */
    const char *value = given->row->read == option_path ? *(const char **)option_field(given) : given->value;
    char text[OPTION_ERROR_MAX];
    snprintf(text, sizeof text, "%s %.512s", given->row->name, value ? value : "");
    say_printable(text);
    printf("  %-46s %s\n", text, given->origin ? given->origin : "command line");
}

void config_print(int argc, char **argv) {
    static struct config config;
    char error[OPTION_ERROR_MAX];
    struct option_reading reading = {.table = &config_table,
                                     .into = &config,
                                     .folder = start_folder(),
                                     .tell = print_option,
                                     .error = error,
                                     .error_size = sizeof error};
    memset(&config, 0, sizeof config);
    if (option_read_all(&reading, argc, argv) != 0) /* it has changed meanwhile */
        printf("  %s\n", error);
    option_texts_free(reading.texts);
}

static void print_help(void) {
    printf("Usage: httpd [OPTION]...\n"
           "Serves a folder over HTTP/1.1, for example: httpd -p 7890 -r ./html -m epoll\n");
    option_print_all(&config_table);
    printf("\nhttpd lab compares the models on this machine: httpd lab --help.\n");
    printf("SECONDS may have a fraction (0.5); BYTES may end in k, m or g.\n");
}

void config_read(struct config *config, int argc, char **argv) {
    char error[OPTION_ERROR_MAX];
    int status = config_load(config, argc, argv, error, sizeof error);
    if (status != 0) {
        fprintf(stderr, "httpd: %s\n", error);
        exit(status);
    }
    if (config->show == CONFIG_SERVES)
        return;
    if (config->show == CONFIG_HELP)
        print_help();
    else
        printf("httpd " HTTPD_VERSION "\n");
    exit(fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1);
}
