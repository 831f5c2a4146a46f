/* A thread reads, and ends when every worker has taken over what came of it: so nothing is offered before what was
   offered last has been taken, and the line that says "reloaded" comes when no new request is answered the old way. A
   signal that comes meanwhile has it read once more. */
#define _GNU_SOURCE
#include "server/reload.h"
#include "base/helper_thread.h"
#include "base/say.h"
#include "server/logs.h"
#include "server/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    STACK_LEN = 256 * 1024,
    END_S = 1, /* at the end: how long a reading under way is waited for */
    NAMES_LEN = 512,
};

/* A configuration that was read again, which lives as long as something is served from it. */
struct reread {
    struct generation generation;
    struct config config;
    struct status_pages status; /* the config's, if it has any */
};

struct reload {
    const struct config *first, *now; /* what `current` serves */
    struct generation first_generation, *current;
    int argc;
    char **argv;
    struct worker *workers;
    int worker_count;
    const struct watched *watched;
    sem_t taken;
    atomic_bool ending;
    pthread_mutex_t lock; /* of the rest */
    pthread_t thread;
    bool started, running, again;
};

/* The first is main's, and kept to be compared with. */
static void release_first(struct generation *generation) {
    (void)generation;
}

static void release_reread(struct generation *generation) {
    struct reread *reread = (struct reread *)(void *)generation;
    config_free(&reread->config);
    free(reread);
}

/* What the process has settled into by now stays as it was at first. */
static void keep_fixed(struct settings *settings, const struct settings *first) {
    settings->backend = first->backend;
    settings->workers = first->workers;
    settings->limits.head_max = first->limits.head_max;
    settings->keep_peers |= first->keep_peers;
}

/* The sandbox was made for what the start named. Opening a folder's name is not within its rules, so the root would
   seem to be there, and every file in it be refused. */
static bool can_reach_root(const struct config *first, const struct site_config *site, char *error, size_t error_size) {
    if (site->symlinks == SYMLINKS_ALL && first->settings.site.symlinks != SYMLINKS_ALL) {
        snprintf(error, error_size, "--symlinks all: %s", strerror(EACCES));
        return false;
    }
    int fd = open(site->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool refused = fd < 0 && errno == EACCES;
    if (refused)
        snprintf(error, error_size, "--root %s: %s", site->root, strerror(EACCES));
    if (fd >= 0)
        close(fd);
    return !refused;
}

/* Where the sandbox may be the reason: crypt(3)'s library can't be loaded any more, either. */
static void add_reach(const struct config *first, char *error, size_t error_size) {
    if (!first->no_sandbox && (strstr(error, strerror(EACCES)) || (!first->auth_path && strstr(error, "crypt(3)"))))
        option_add(error, error_size, "; or out of the sandbox's reach: then an upgrade (SIGUSR2) takes it over");
}

static bool reload_open_logs(const struct reload *reload, struct logs_renewal *logs, const struct config *config,
                             char *error, size_t error_size) {
    bool ok = logs_renewal_open(logs, config, error, error_size);
    if (!ok)
        add_reach(reload->first, error, error_size);
    return ok;
}

/* Reads all, but what is out of the process' reach by now. False, with a line in `error`. */
static bool read_within_reach(const struct reload *reload, struct config *config, char *error, size_t error_size) {
    const struct config *first = reload->first;
    if (first->chroot) {
        snprintf(error, error_size, "after --chroot its files are out of reach: an upgrade (SIGUSR2) reads them");
        return false;
    }
    bool read = config_load_again(config, reload->argc, reload->argv, error, error_size) == 0;
    if (read && (first->no_sandbox || can_reach_root(first, &config->settings.site, error, error_size)))
        return true;
    if (read)
        config_free(config);
    add_reach(first, error, error_size);
    return false;
}

/* What there can be of lines, ends and pages: as much as the workers were made for. False: no memory. */
static bool complete(const struct reload *reload, struct reread *reread) {
    struct config *config = &reread->config;
    struct settings *settings = &config->settings;
    keep_fixed(settings, &reload->first->settings);
    if (reload->first->lab && !config->status_path) /* which the lab is a page of */
        config->status_path = reload->first->status_path;
    settings->log_format = logs_format(config);
    settings->tells_ends = config->verbose;
    watched_renew(reload->watched, config, &reread->status);
    return settings->log_format || !config->access_log_path;
}

/* Reads it, the caller's reference. NULL, with a line in `error`. */
static struct reread *reload_read(const struct reload *reload, char *error, size_t error_size) {
    struct reread *reread = malloc(sizeof *reread);
    snprintf(error, error_size, "no memory");
    if (!reread)
        return NULL;
    if (!read_within_reach(reload, &reread->config, error, error_size)) {
        free(reread);
        return NULL;
    }
    if (!complete(reload, reread)) {
        snprintf(error, error_size, "no memory");
        release_reread(&reread->generation);
        return NULL;
    }
    reread->generation = (struct generation){&reread->config.settings, 1, release_reread};
    return reread;
}

static struct serving *reload_open_serving(struct generation *generation, const struct worker *worker, char *error,
                                           size_t error_size) {
    return serving_open(generation, worker->shared.known, worker->clients.capacity, worker->file_fds, error,
                        error_size);
}

/* Offers it to each worker. False, with a line in `error`: to none. */
static bool reload_offer(struct reload *reload, struct generation *generation, char *error, size_t error_size) {
    struct serving *servings[WORKERS_MAX];
    int opened = 0;
    while (opened < reload->worker_count) {
        servings[opened] = reload_open_serving(generation, &reload->workers[opened], error, error_size);
        if (!servings[opened])
            break;
        opened++;
    }
    if (opened < reload->worker_count) {
        while (opened-- > 0)
            serving_close(servings[opened]);
        return false;
    }
    for (int i = 0; i < opened; i++)
        worker_offer(&reload->workers[i], servings[i]);
    return true;
}

/* Whether it asks for something that the workers would have had to be made for. */
static bool comes_late(const struct option_row *row, const struct config *first, const struct config *now) {
    if (strcmp(row->name, "max-connections") == 0)
        return now->settings.limits.max_connections > first->settings.limits.max_connections;
    if (strcmp(row->name, "status") == 0 || strcmp(row->name, "status-allow") == 0)
        return now->status_path && !first->status_path;
    if (strcmp(row->name, "access-log") == 0 || strcmp(row->name, "log-format") == 0)
        return now->access_log_path && !first->access_log_path;
    if (strcmp(row->name, "verbose") == 0)
        return now->verbose && !first->verbose && !first->access_log_path;
    return row->at_start || strcmp(row->name, "lab") == 0;
}

/* Adds the names of the options that aren't given as they were: those that a reload takes over, or the others, which
   hold as they did at first. */
static void add_changed(char *names, const struct reload *reload, const struct config *now, bool late) {
    char name[64];
    for (int i = 0; i < config_table.row_count; i++) {
        const struct option_row *row = &config_table.rows[i];
        const struct config *before = late ? reload->first : reload->now;
        if (before->given[i] == now->given[i] || comes_late(row, reload->first, now) != late)
            continue;
        snprintf(name, sizeof name, "%s--%s", *names ? ", " : "", row->name);
        option_add(names, NAMES_LEN, name);
    }
}

static void reload_say(const struct reload *reload, const struct config *now) {
    char changed[NAMES_LEN] = "", fixed[NAMES_LEN] = "";
    add_changed(changed, reload, now, false);
    add_changed(fixed, reload, now, true);
    if (*fixed)
        say_as(SAY_WARNING, "reloaded, but %s: taken over by an upgrade (SIGUSR2) or a restart, not by a reload",
               fixed);
    if (!now->quiet)
        say_as(SAY_NOTICE, "reloaded: %s",
               *changed ? changed : "no option has changed; the files that they name are read again");
}

/* One reading, and all that follows. */
static void reload_once(struct reload *reload) {
    char error[OPTION_ERROR_MAX];
    struct logs_renewal logs;
    struct reread *reread = reload_read(reload, error, sizeof error);
    bool opened = reread && reload_open_logs(reload, &logs, &reread->config, error, sizeof error);
    if (!opened || !reload_offer(reload, &reread->generation, error, sizeof error)) {
        if (opened)
            logs_renewal_drop(&logs);
        if (reread)
            generation_put(&reread->generation);
        say("not reloaded: %s", error);
        return;
    }
    logs_renewal_take(&logs, &reread->config);
    for (int i = 0; i < reload->worker_count; i++)
        while (sem_wait(&reload->taken) < 0)
            ;
    if (!atomic_load(&reload->ending))
        reload_say(reload, &reread->config);
    generation_put(reload->current);
    reload->current = &reread->generation;
    reload->now = &reread->config;
}

static bool reload_again(struct reload *reload) {
    pthread_mutex_lock(&reload->lock);
    reload->running = reload->again && !atomic_load(&reload->ending);
    reload->again = false;
    bool again = reload->running;
    pthread_mutex_unlock(&reload->lock);
    return again;
}

static void *reload_main(void *arg) {
    struct reload *reload = arg;
    do {
        notify_reloading();
        reload_once(reload);
        notify_ready(NULL);
    } while (reload_again(reload));
    return NULL;
}

static void reload_start(struct reload *reload) {
    if (reload->started) /* and at its end */
        pthread_join(reload->thread, NULL);
    int error = helper_thread_start(&reload->thread, STACK_LEN, reload_main, reload);
    reload->started = reload->running = error == 0;
    if (error)
        say("not reloaded: can't start a thread: %s", strerror(error));
}

void reload_begin(struct reload *reload) {
    pthread_mutex_lock(&reload->lock);
    if (reload->running)
        reload->again = true;
    else
        reload_start(reload);
    pthread_mutex_unlock(&reload->lock);
}

void reload_taken(struct reload *reload) {
    sem_post(&reload->taken);
}

struct serving *reload_in_place(const struct reload *reload, const struct worker *worker) {
    char error[OPTION_ERROR_MAX];
    struct reread *reread = reload_read(reload, error, sizeof error);
    if (!reread)
        return NULL;
    struct serving *serving = reload_open_serving(&reread->generation, worker, error, sizeof error);
    if (serving)
        logs_renew_child(&reread->config);
    generation_put(&reread->generation); /* the serving has its own */
    return serving;
}

struct reload *reload_open(const struct config *first, int argc, char **argv) {
    struct reload *reload = calloc(1, sizeof *reload);
    if (!reload)
        return NULL;
    reload->first = reload->now = first;
    reload->first_generation = (struct generation){&first->settings, 1, release_first};
    reload->current = &reload->first_generation;
    reload->argc = argc;
    reload->argv = argv;
    sem_init(&reload->taken, 0, 0);
    pthread_mutex_init(&reload->lock, NULL);
    return reload;
}

struct generation *reload_first(struct reload *reload) {
    return &reload->first_generation;
}

void reload_set_workers(struct reload *reload, struct worker *workers, int count, const struct watched *watched) {
    reload->watched = watched;
    reload->workers = workers;
    reload->worker_count = count;
}

bool reload_end(struct reload *reload) {
    struct timespec until;
    atomic_store(&reload->ending, true);
    for (int i = 0; i < reload->worker_count; i++) /* whoever will take nothing any more */
        sem_post(&reload->taken);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += END_S;
    return !reload->started || pthread_timedjoin_np(reload->thread, NULL, &until) == 0;
}

void reload_close(struct reload *reload) {
    generation_put(reload->current);
    pthread_mutex_destroy(&reload->lock);
    sem_destroy(&reload->taken);
    free(reload);
}
