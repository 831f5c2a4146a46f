/* A reload opens what it needs first, and takes it over when nothing can fail any more. Replies that were begun with a
   format end with it, and whoever writes may look at a path at any time: so neither is ever freed, and each is kept
   once. */
#define _GNU_SOURCE
#include "server/logs.h"
#include "base/check.h"
#include "base/say.h"
#include "host/signals.h"
#include "host/terminal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a signal handler finds. */
static struct access_log *_Atomic opened;

bool logs_read_path(const struct option_given *given) {
    if (strcmp(given->value, "-") != 0)
        return option_path(given);
    *(const char **)option_field(given) = given->value;
    return true;
}

bool logs_read_format(const struct option_given *given) {
    struct config *config = given->into;
    struct log_format format;
    char wrong[OPTION_ERROR_MAX / 2];
    if (!log_format_compile(&format, given->value, wrong, sizeof wrong))
        return option_fail(given, "%s", wrong);
    config->log_format = given->value;
    return true;
}

static bool is_standard_output(const char *path) {
    return strcmp(path, "-") == 0;
}

bool logs_settle(struct config *config, char *error, size_t error_size) {
    const char *path = config->access_log_path;
    if (!path && config->log_format) {
        snprintf(error, error_size, "--log-format %.256s: needs --access-log", config->log_format);
        return false;
    }
    config->log_on_terminal = path && is_standard_output(path) && isatty(STDOUT_FILENO);
    return true;
}

static const char *writer_path(const char *path) {
    return is_standard_output(path) ? NULL : path;
}

const char *logs_access_file(const struct config *config) {
    return config->access_log_path ? writer_path(config->access_log_path) : NULL;
}

/* A format that there has been, or a path. */
struct kept {
    struct kept *next;
    struct log_format format;
    char text[];
};

/* The one of that text; or a new one, which is to be completed and then put before `all`, as a child that is forked
   meanwhile takes what it finds there for whole. */
static struct kept *keep(struct kept *all, const char *text, bool *is_new) {
    struct kept *kept = all;
    while (kept && strcmp(kept->text, text) != 0)
        kept = kept->next;
    *is_new = !kept;
    if (!kept && (kept = malloc(sizeof *kept + strlen(text) + 1))) {
        strcpy(kept->text, text);
        kept->next = all;
    }
    return kept;
}

/* NULL: no memory. */
static const char *keep_path(const char *path) {
    static struct kept *all;
    bool is_new;
    struct kept *kept = keep(all, path, &is_new);
    if (kept && is_new)
        all = kept;
    return kept ? kept->text : NULL;
}

const struct log_format *logs_format(const struct config *config) {
    static struct kept *all;
    char error[OPTION_ERROR_MAX];
    bool is_new;
    const char *text = config->log_format ? config->log_format : config->log_on_terminal ? "" : "combined";
    if (!config->access_log_path)
        return NULL;
    struct kept *kept = keep(all, text, &is_new);
    if (kept && is_new && *text)
        CHECK(log_format_compile(&kept->format, kept->text, error, sizeof error));
    else if (kept && is_new)
        log_format_for_terminal(&kept->format, terminal_has_colours(STDOUT_FILENO));
    if (kept && is_new)
        all = kept;
    return kept ? &kept->format : NULL;
}

static const char *access_path; /* where lines are written to; NULL: nowhere yet, or nowhere any more */

static void set_level(const struct config *config) {
    say_from(config->verbose ? SAY_INFO : config->quiet ? SAY_WARNING : SAY_NOTICE);
}

bool logs_open_errors(const struct config *config) {
    set_level(config);
    int fd = config->error_log ? say_open_file(config->error_log) : -1;
    if (fd >= 0)
        say_move(config->error_log, fd);
    else if (config->error_log)
        say("--error-log %s: %s", config->error_log, strerror(errno));
    return fd >= 0 || !config->error_log;
}

static bool differ(const char *a, const char *b) {
    return a && b ? strcmp(a, b) != 0 : a != b;
}

bool logs_renewal_open(struct logs_renewal *renewal, const struct config *config, char *error, size_t error_size) {
    const char *path = config->access_log_path;
    *renewal = (struct logs_renewal){.errors_move = differ(config->error_log, say_path()), .errors_fd = -1};
    renewal->access_moves = opened && path && differ(path, access_path);
    if (renewal->errors_move && config->error_log && (renewal->errors_fd = say_open_file(config->error_log)) < 0) {
        snprintf(error, error_size, "--error-log %s: %s", config->error_log, strerror(errno));
        return false;
    }
    int failed = renewal->access_moves ? log_writer_open(&renewal->access, writer_path(path)) : 0;
    if (failed == 0)
        return true;
    snprintf(error, error_size, "--access-log %s: %s", path, strerror(-failed));
    renewal->access_moves = false;
    logs_renewal_drop(renewal);
    return false;
}

static void take_errors(const struct config *config, bool move, int fd) {
    const char *path = move && config->error_log ? keep_path(config->error_log) : NULL;
    set_level(config);
    if (path || (move && !config->error_log))
        say_move(path, fd);
}

void logs_renewal_take(const struct logs_renewal *renewal, const struct config *config) {
    const char *path = renewal->access_moves ? keep_path(config->access_log_path) : NULL;
    struct log_writer writer = renewal->access;
    take_errors(config, renewal->errors_move, renewal->errors_fd);
    if (path) {
        writer.path = writer_path(path);
        access_log_move(opened, writer, config->log_on_terminal);
        access_path = path;
    } else if (opened && !config->access_log_path) {
        access_log_rest(opened);
        access_path = NULL;
    }
}

void logs_renewal_drop(const struct logs_renewal *renewal) {
    if (renewal->errors_fd >= 0)
        close(renewal->errors_fd);
    if (renewal->access_moves)
        log_writer_close(&renewal->access);
}

void logs_renew_child(const struct config *config) {
    bool move = differ(config->error_log, say_path());
    int fd = move && config->error_log ? say_open_file(config->error_log) : -1;
    take_errors(config, move && (fd >= 0 || !config->error_log), fd);
    if (!move)
        say_reopen();
}

void logs_reopen(void) {
    struct access_log *log = opened;
    say_reopen();
    if (log)
        access_log_reopen(log);
}

bool logs_open(struct config *config, struct observed *observed) {
    char error[512];
    struct counter_log *counts = observed->counters ? observed->counters->log : NULL;
    struct settings *settings = &config->settings;
    observed->tells_ends = settings->tells_ends = config->verbose;
    if (config->access_log_path) {
        const struct access_log_place place = {writer_path(config->access_log_path), config->log_on_terminal};
        settings->log_format = logs_format(config);
        if (settings->log_format)
            opened = access_log_open(place, (unsigned)settings->workers, counts, error, sizeof error);
        else
            snprintf(error, sizeof error, "--access-log: no memory");
        if (!opened) {
            say("%s", error);
            return false;
        }
        access_path = config->access_log_path;
        observed->log = opened;
    }
    signals_on_reopen(logs_reopen);
    return true;
}

bool logs_start(struct observed *observed) {
    int error = observed->log ? access_log_start(observed->log) : 0;
    if (error)
        say("--access-log: can't start a thread: %s", strerror(error));
    return error == 0;
}

void logs_close(struct observed *observed, bool unused) {
    if (unused)
        opened = NULL;
    access_log_close(observed->log, unused);
    observed->log = NULL;
}
