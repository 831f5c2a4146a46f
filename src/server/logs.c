#include "server/logs.h"
#include "base/say.h"
#include "host/signals.h"
#include "host/terminal.h"

#include <errno.h>
#include <stdio.h>
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
    char wrong[OPTION_ERROR_MAX / 2];
    if (!log_format_compile(&config->access_log.format, given->value, wrong, sizeof wrong))
        return option_fail(given, "%s", wrong);
    config->log_format = given->value;
    return true;
}

bool logs_settle(struct config *config, char *error, size_t error_size) {
    struct access_log_config *log = &config->access_log;
    log->wanted = config->access_log_path;
    if (!log->wanted && config->log_format) {
        snprintf(error, error_size, "--log-format %.256s: needs --access-log", config->log_format);
        return false;
    }
    if (!log->wanted)
        return true;
    bool terminal = strcmp(config->access_log_path, "-") == 0 && isatty(STDOUT_FILENO);
    log->path = strcmp(config->access_log_path, "-") == 0 ? NULL : config->access_log_path;
    log->at_once = terminal;
    if (config->log_format)
        return true;
    if (terminal)
        log_format_for_terminal(&log->format, terminal_has_colours(STDOUT_FILENO));
    return terminal || log_format_compile(&log->format, "combined", error, error_size);
}

bool logs_open_errors(const struct config *config) {
    say_from(config->verbose ? SAY_INFO : config->quiet ? SAY_WARNING : SAY_NOTICE);
    if (!config->error_log || say_open(config->error_log))
        return true;
    say("--error-log %s: %s", config->error_log, strerror(errno));
    return false;
}

static void reopen(void) {
    struct access_log *log = opened;
    say_reopen();
    if (log)
        access_log_reopen(log);
}

bool logs_open(const struct config *config, struct observed *observed) {
    char error[512];
    struct counter_log *counts = observed->counters ? observed->counters->log : NULL;
    observed->tells_ends = config->verbose;
    if (config->access_log.wanted) {
        opened = access_log_open(&config->access_log, (unsigned)config->settings.workers, counts, error, sizeof error);
        if (!opened) {
            say("%s", error);
            return false;
        }
        observed->log = opened;
    }
    signals_on_reopen(reopen);
    return true;
}

bool logs_start(struct observed *observed) {
    int error = observed->log ? access_log_start(observed->log) : 0;
    if (error)
        say("--access-log: can't start a thread: %s", strerror(error));
    return error == 0;
}

void logs_close(struct observed *observed) {
    opened = NULL;
    access_log_close(observed->log);
    observed->log = NULL;
}
