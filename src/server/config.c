/* The rows, and the readers for values that only one row has. */
#define _GNU_SOURCE
#include "server/config.h"

#include "backend/list.h"
#include "host/listener.h"
#include "observe/status_pages.h"
#include "protocol/mime.h"
#include "protocol/mime_types.h"
#include "server/fields.h"
#include "server/logs.h"
#include "server/option_read.h"
#include "server/redirects.h"
#include "site/mime_map.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>

enum { DEFAULT_TYPE_MAX = MIME_TYPE_LEN_MAX - (sizeof "; charset=utf-8" - 1) };

enum group {
    GROUP_CONTENT,
    GROUP_ADDRESS,
    GROUP_MODEL,
    GROUP_LIMITS,
    GROUP_FRONT,
    GROUP_SERVICE,
    GROUP_ANSWERS,
    GROUP_COUNT
};

static const char *const group_titles[GROUP_COUNT] = {
    [GROUP_CONTENT] = "Content",
    [GROUP_ADDRESS] = "Where",
    [GROUP_MODEL] = "How",
    [GROUP_LIMITS] = "Limits, which hold in every model",
    [GROUP_FRONT] = "Behind a balancer",
    [GROUP_SERVICE] = "As a service",
    [GROUP_ANSWERS] = "What is said",
};

/* What --symlinks may be, in the order of enum symlinks. */
static const char *const symlink_choices[] = {
    [SYMLINKS_INSIDE] = "inside",
    [SYMLINKS_ALL] = "all",
    [SYMLINKS_NONE] = "none",
    NULL,
};
_Static_assert(sizeof(enum symlinks) == sizeof(unsigned), "option_choice");

static const char *const forwarded_choices[] = {
    [FORWARDED_X_FORWARDED_FOR] = "x-forwarded-for",
    [FORWARDED_FORWARDED] = "forwarded",
    NULL,
};
_Static_assert(sizeof(enum forwarded_field) == sizeof(unsigned), "option_choice");

static void add_models(char *text, size_t size) {
    const struct backend *alias = backend_find("epoll");
    for (int i = 0; backend_list[i]; i++) {
        option_add(text, size, i ? ", " : "");
        option_add(text, size, backend_list[i]->name);
        if (backend_list[i] == alias && strcmp(alias->name, "epoll") != 0)
            option_add(text, size, ", epoll");
    }
}

static void print_models(const struct option_row *row, int column) {
    const struct backend *preset = backend_find(row->preset);
    for (int i = 0; backend_list[i]; i++)
        printf("%8s%-*s%s\n", "", column - 8, backend_list[i]->name, backend_list[i]->summary);
    if (preset && strcmp(preset->name, row->preset) != 0)
        printf("%8s%-*sthe same as %s\n", "", column - 8, row->preset, preset->name);
}

static bool read_model(const struct option_given *given) {
    char models[512] = "";
    add_models(models, sizeof models);
    const struct backend *backend = backend_find(given->value);
    if (!backend)
        return option_fail(given, "no such model (%s)", models);
    *(const struct backend **)option_field(given) = backend;
    return true;
}

static bool read_workers(const struct option_given *given) {
    if (strcmp(given->value, "auto") != 0)
        return option_number(given);
    cpu_set_t cpus; /* 1024 of them; where there are more the call fails, and WORKERS_MAX is what they get */
    int count = sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? CPU_COUNT(&cpus) : WORKERS_MAX;
    *(int *)option_field(given) = count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : count;
    return true;
}

static bool read_user(const struct option_given *given) {
    struct config *config = given->into;
    char wrong[256];
    config->user_given = privileges_find(&config->user, given->value, wrong, sizeof wrong);
    return config->user_given || option_fail(given, "%s", wrong);
}

/* To --access-log '-' is a stream, so it isn't meant as a file's name here. */
static bool is_no_dash(const char *value) {
    return *value && strcmp(value, "-") != 0;
}

static bool is_file_name(const char *value) {
    return *value && !strchr(value, '/') && strcmp(value, ".") != 0 && strcmp(value, "..") != 0 &&
           strlen(value) <= NAME_MAX;
}

/* A file's path beneath the root, with or without a slash before it: no ".." in it, and no folder. */
static bool is_inner_path(const char *value) {
    size_t len = strlen(value);
    if (len == 0 || len > PATH_LEN_MAX || value[len - 1] == '/')
        return false;
    for (const char *name = value; name; name = strchr(name, '/')) {
        name += strspn(name, "/");
        if (strncmp(name, "..", strcspn(name, "/")) == 0 && strcspn(name, "/") > 0)
            return false; /* "." too */
    }
    return true;
}

static bool read_inner_path(const struct option_given *given) {
    const char *value = given->value ? given->value : "index.html";
    if (!is_inner_path(value))
        return option_refuse(given);
    *(const char **)option_field(given) = value + strspn(value, "/");
    return true;
}

/* "; charset=utf-8" is added as to the types of the tables, unless the user has parameters. */
static bool read_default_type(const struct option_given *given) {
    struct config *config = given->into;
    struct slice all = slice_of(given->value);
    struct slice type = slice_trim((struct slice){all.at, strcspn(all.at, ";")});
    if (!mime_types_valid(type) || !fields_value_ok(all) || all.len > DEFAULT_TYPE_MAX)
        return option_refuse(given);
    snprintf(config->default_type, sizeof config->default_type, "%s%s", given->value,
             type.len == all.len && mime_wants_charset(type) ? "; charset=utf-8" : "");
    config->settings.site.default_type = config->default_type;
    return true;
}

/* A unix socket's path is made absolute like any other, if it then still fits in an address. */
static bool read_listen(const struct option_given *given) {
    struct option_given absolute = *given;
    size_t size = strlen("unix:") + PATH_MAX + sizeof ",mode=0666";
    if (strncmp(given->value, "unix:", 5) != 0 || !listener_spec_ok(given->value))
        return option_list(given);
    const char *path = option_resolve(given, given->value + 5);
    char *spec = option_text_add(given->texts, size);
    if (!path || !spec)
        return option_fail(given, "no memory");
    snprintf(spec, size, "unix:%s", path);
    if (listener_spec_ok(spec))
        absolute.value = spec;
    else if (given->origin)
        return option_fail(given, "too long from %s on: give an absolute path", given->folder);
    return option_list(&absolute);
}

/* A reply's head must hold it besides what FIELDS_MAX bounds. */
static bool is_cache_control(const char *value) {
    return strlen(value) <= 255 && fields_value_ok(slice_of(value));
}

static bool read_network(const struct option_given *given) {
    struct network_list *list = option_field(given);
    if (list->count == NETWORKS_MAX)
        return option_fail(given, "one too many (at most %d)", NETWORKS_MAX);
    if (!network_parse(slice_of(given->value), &list->networks[list->count]))
        return option_refuse(given);
    list->count++;
    return true;
}

static bool read_status(const struct option_given *given) {
    const char *path = given->value ? given->value : "/_httpd";
    *(const char **)option_field(given) = path;
    return status_pages_path_ok(path) || option_refuse(given);
}

/* What is compared with a target's path as it came. */
static bool read_health(const struct option_given *given) {
    struct slice path = slice_of(given->value);
    bool ok = path.len > 0 && path.at[0] == '/' && !strpbrk(path.at, "?#\"<>\\^`{|}");
    for (size_t i = 0; i < path.len; i++)
        ok &= path.at[i] > ' ' && path.at[i] < 0x7f;
    *(struct slice *)option_field(given) = path;
    return ok || option_refuse(given);
}

static bool read_help(const struct option_given *given) {
    ((struct config *)given->into)->show = CONFIG_HELP;
    return true;
}

static bool read_version(const struct option_given *given) {
    ((struct config *)given->into)->show = CONFIG_VERSION;
    return true;
}

#define TO(field) .offset = offsetof(struct config, field)
#define TO_LIST(field, max) TO(field), .count_offset = offsetof(struct config, field##_count), .list_max = max
#define RANGE(from, to) .least = (from), .most = (to), .scale = 1
#define SECONDS .read = option_number, .noun = "a time in seconds", .least = 0.05, .most = 86400, .scale = 1000

_Static_assert(HEAD_MAX_DEFAULT == 16 * 1024, "the preset of --max-header");

/* clang-format off */
static const struct option_row option_rows[] = {
    {"root", 'r', "DIR", GROUP_CONTENT, "document root", ".",
     option_path, TO(settings.site.root), .noun = "a folder"},
    {"index", 'i', "NAME", GROUP_CONTENT, "index file; repeatable, tried in order", "index.html",
     option_list, TO_LIST(settings.site.index, INDEX_MAX), .noun = "a file name", .allowed = "without '/'",
     .is_ok = is_file_name},
    {"list", 0, NULL, GROUP_CONTENT, "list folders that have no index file, as HTML or JSON", NULL,
     option_switch, TO(settings.site.list)},
    {"not-found", 0, "FILE", GROUP_CONTENT, "page for what isn't there; without: 404.html, if the root has it", NULL,
     read_inner_path, TO(settings.site.not_found), .noun = "a file's path beneath the root", .allowed = "no '.' or '..' in it"},
    {"spa", 0, "[=FILE]", GROUP_CONTENT, "what isn't there is FILE (index.html) to whoever navigates", NULL,
     read_inner_path, TO(settings.site.spa), .noun = "a file's path beneath the root", .allowed = "no '.' or '..' in it"},
    {"clean-urls", 0, NULL, GROUP_CONTENT, "/about is about.html; /about.html and /about/ redirect to it", NULL,
     option_switch, TO(settings.site.clean_urls)},
    {"cache-control", 0, "VALUE", GROUP_CONTENT, "of every file; '': none is sent", "no-cache",
     option_string, TO(settings.site.cache_control), .noun = "a field value",
     .allowed = "at most 255 bytes, no control bytes, no space at either end", .is_ok = is_cache_control},
    {"header", 'H', "'NAME: VALUE'", GROUP_CONTENT, "field added to every reply; repeatable", NULL,
     fields_read, .noun = "a field", .allowed = "'Name: value', no control bytes"},
    {"cors", 0, "[=ORIGIN]", GROUP_CONTENT, "may be read by any origin; by ORIGIN, with credentials; repeatable", NULL,
     fields_read_cors, .noun = "an origin", .allowed = "SCHEME://HOST[:PORT] in lower case, as browsers send it: no path, no default port"},
    {"isolate", 0, NULL, GROUP_CONTENT, "cross-origin isolation (COOP, COEP), as SharedArrayBuffer needs", NULL,
     option_switch, TO(isolate)},
    {"mime-types", 0, "FILE", GROUP_CONTENT, "more types; these win, so /etc/mime.types spoils .ts and .rs", NULL,
     option_path, TO(mime_path), .noun = "a file"},
    {"default-type", 0, "TYPE", GROUP_CONTENT, "of what no table knows", "application/octet-stream",
     read_default_type, .noun = "a media type", .allowed = "TYPE/SUBTYPE, at most 127 bytes"},
    {"dotfiles", 0, NULL, GROUP_CONTENT, "serve names that begin with a dot, not just /.well-known/", NULL,
     option_switch, TO(settings.site.dotfiles)},
    {"symlinks", 0, "WHICH", GROUP_CONTENT, "follow those that stay inside the root, all or none", "inside",
     option_choice, TO(settings.site.symlinks), .noun = "one of them", .choices = symlink_choices},
    {"vhosts", 0, NULL, GROUP_CONTENT, "the root holds a folder per host name, and _ for the others", NULL,
     option_switch, TO(settings.site.vhosts)},
    {"redirect", 0, "FROM=TO", GROUP_CONTENT, "301; '*' at both ends keeps the rest; repeatable", NULL,
     redirects_read, .noun = "a redirect", .allowed = "FROM=TO, for example /old/*=/new/*"},
    {"auth", 0, "FILE", GROUP_CONTENT, "ask for a password: lines of user:hash, as mkpasswd makes them", NULL,
     option_path, TO(auth_path), .noun = "a file"},

    {"port", 'p', "N", GROUP_ADDRESS, "TCP port; 0: the kernel picks; not with -l", "7890",
     option_number, TO(port), .noun = "a port number", RANGE(0, 65535), .rules_out = "listen", .at_start = true},
    {"listen", 'l', "ADDR", GROUP_ADDRESS,
     "HOST:PORT, :PORT, unix:PATH[,mode=666], fd:NAME; repeatable", NULL,
     read_listen, TO_LIST(listen, LISTEN_MAX), .noun = "an address",
     .allowed = "HOST:PORT, [V6]:PORT, :PORT, unix:PATH[,mode=666] or fd:NAME", .is_ok = listener_spec_ok, .at_start = true},

    {"model", 'm', "NAME", GROUP_MODEL, "concurrency model", "epoll",
     read_model, TO(settings.backend), .noun = "a model", .add_allowed = add_models, .print_more = print_models, .at_start = true},
    {"workers", 'w', "N|auto", GROUP_MODEL, "accept loops; auto: one per CPU this process may run on", "1",
     read_workers, TO(settings.workers), .noun = "a number of workers", .allowed = " or auto", RANGE(1, WORKERS_MAX), .at_start = true},

    {"max-connections", 0, "N", GROUP_LIMITS, "connections at a time; the rest wait", "10000",
     option_number, TO(settings.limits.max_connections), .noun = "a number of connections", RANGE(1, 1000000)},
    {"max-per-ip", 0, "N", GROUP_LIMITS, "connections from one address; 0: no limit", "0",
     option_number, TO(settings.limits.max_per_ip), .noun = "a number of connections", RANGE(0, 1000000)},
    {"header-timeout", 0, "SECONDS", GROUP_LIMITS, "for a whole request head, from its first byte on", "10",
     SECONDS, TO(settings.limits.header_timeout_ms)},
    {"idle-timeout", 0, "SECONDS", GROUP_LIMITS, "for the next request to begin", "60",
     SECONDS, TO(settings.limits.idle_timeout_ms)},
    {"send-timeout", 0, "SECONDS", GROUP_LIMITS, "for a reply to make progress", "60",
     SECONDS, TO(settings.limits.send_timeout_ms)},
    {"min-rate", 0, "BYTES", GROUP_LIMITS, "least pace of a reply in a second; 0: none", "500",
     option_number, TO(settings.limits.min_rate), .noun = "a rate in bytes a second", RANGE(0, 1 << 30), .units = "kmg"},
    {"max-header", 0, "BYTES", GROUP_LIMITS, "longest request head", "16k",
     option_number, TO(settings.limits.head_max), .noun = "a size in bytes", RANGE(HEAD_MAX_LEAST, HEAD_MAX_MOST),
     .units = "kmg", .at_start = true},
    {"max-requests", 0, "N", GROUP_LIMITS, "requests on one connection; 0: no limit", "0",
     option_number, TO(settings.limits.max_requests), .noun = "a number of requests", RANGE(0, 1000000000)},

    {"trust", 0, "CIDR", GROUP_FRONT, "balancers that are believed: a network, address or unix; repeatable", NULL,
     read_network, TO(settings.trust.in_front), .noun = "a network", .allowed = "such as 10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or unix"},
    {"trust-field", 0, "FIELD", GROUP_FRONT, "where they name clients; or: forwarded", "x-forwarded-for",
     option_choice, TO(settings.trust.field), .noun = "one of them", .choices = forwarded_choices},
    {"proxy-protocol", 0, NULL, GROUP_FRONT, "their connections begin with a PROXY header, v1 or v2", NULL,
     option_switch, TO(settings.trust.proxy_protocol)},
    {"health", 0, "PATH", GROUP_FRONT, "answered 200, and 503 once the server has been asked to stop", NULL,
     read_health, TO(settings.site.health), .noun = "a path", .allowed = "'/' first, printable ASCII, no query"},
    {"drain-delay", 0, "SECONDS", GROUP_FRONT, "from that on until the server begins to stop", "0",
     option_number, TO(settings.drain_delay_ms), .noun = "a time in seconds", .least = 0, .most = 86400, .scale = 1000},

    {"daemon", 0, NULL, GROUP_SERVICE, "go on in the background, once it serves", NULL,
     option_switch, TO(daemon), .at_start = true},
    {"user", 0, "NAME[:GROUP]", GROUP_SERVICE, "of root's, become this user once the ports are open", NULL,
     read_user, .noun = "a user", .at_start = true},
    {"chroot", 0, NULL, GROUP_SERVICE, "make the root all there is of the file system (as root)", NULL,
     option_switch, TO(chroot), .at_start = true},
    {"no-sandbox", 0, NULL, GROUP_SERVICE, "without Landlock and seccomp, which forbid all but serving", NULL,
     option_switch, TO(no_sandbox), .at_start = true},
    {"pid-file", 0, "FILE", GROUP_SERVICE, "holds the process' number while it serves", NULL,
     option_path, TO(pid_path), .noun = "a file", .at_start = true},

    {"status", 0, "[=PATH]", GROUP_ANSWERS, "what goes on, at PATH (/_httpd), PATH/status.json, PATH/metrics", NULL,
     read_status, TO(status_path), .noun = "a path", .allowed = "/name, of letters, digits and -_.~"},
    {"status-allow", 0, "CIDR", GROUP_ANSWERS, "who may see that, besides this machine; repeatable", NULL,
     read_network, TO(status_allow), .noun = "a network", .allowed = "such as 10.0.0.0/8, 2001:db8::/32, 192.0.2.1 or unix"},
    {"lab", 0, NULL, GROUP_ANSWERS, "try models and watch them, at /_httpd/lab; this machine alone may", NULL,
     option_switch, TO(lab)},
    {"trace", 0, "FILE", GROUP_ANSWERS, "all that happens, for ui.perfetto.dev and chrome://tracing", NULL,
     option_path, TO(trace_path), .noun = "a file", .at_start = true},
    {"config", 0, "FILE", GROUP_ANSWERS, "more options, a long one a line: port 80; the command line's win", NULL,
     option_path, TO(config_path), .noun = "a file", .role = OPTION_FILE},
    {"check", 0, NULL, GROUP_ANSWERS, "read everything, say what would happen, and exit", NULL,
     option_switch, TO(check), .role = OPTION_COMMAND_LINE},
    {"access-log", 0, "FILE", GROUP_ANSWERS, "a line for each request; '-': to stdout; SIGUSR1 opens it again", NULL,
     logs_read_path, TO(access_log_path), .noun = "a file"},
    {"log-format", 0, "FORMAT", GROUP_ANSWERS, "common, combined (default), json, or text with nginx's $names", NULL,
     logs_read_format, TO(log_format), .noun = "a format", .allowed = "common, combined, json, or text with $names"},
    {"error-log", 0, "FILE", GROUP_ANSWERS, "what is said, with time and level, in place of stderr", NULL,
     option_path, TO(error_log), .noun = "a file", .allowed = "stderr without it", .is_ok = is_no_dash},
    {"quiet", 'q', NULL, GROUP_ANSWERS, "say only what goes wrong; with port 0, the URL on stdout", NULL,
     option_switch, TO(quiet)},
    {"verbose", 'v', NULL, GROUP_ANSWERS, "say why connections end; at start, what memory all stays within", NULL,
     option_switch, TO(verbose)},
    {"help", 'h', NULL, GROUP_ANSWERS, "print this page", NULL, read_help, .role = OPTION_ENDS},
    {"version", 'V', NULL, GROUP_ANSWERS, "print the version", NULL, read_version, .role = OPTION_ENDS},
};
/* clang-format on */

const struct option_table config_table = {
    option_rows, sizeof option_rows / sizeof option_rows[0], group_titles, GROUP_COUNT, sizeof(struct config),
};
