/* A record is whole once `len` counts it. A run that begins while somebody reads the last one's takes its memory: the
   reader sees that its number has changed, and shows nothing. */
#define _GNU_SOURCE
#include "observe/experiments.h"
#include "base/bounds.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

static bool make_token(char *token) {
    unsigned char bytes[EXPERIMENTS_TOKEN_LEN / 2];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return false;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return true;
}

struct event_rings *experiments_rings_open(int fd) {
    return event_rings_open(1, CHILDREN_MAX, fd);
}

struct experiments *experiments_open(void) {
    struct experiments *experiments = malloc(sizeof *experiments);
    if (!experiments)
        return NULL;
    *experiments = (struct experiments){.fd = -1};
    experiments->told = mmap(NULL, sizeof *experiments->told, PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    experiments->rings_fd = memfd_create("httpd-lab", MFD_CLOEXEC);
    if (experiments->rings_fd >= 0)
        experiments->rings = experiments_rings_open(experiments->rings_fd);
    if (experiments->told != MAP_FAILED && experiments->rings && make_token(experiments->token))
        return experiments;
    experiments_close(experiments);
    return NULL;
}

void experiments_close(struct experiments *experiments) {
    if (!experiments)
        return;
    event_rings_close(experiments->rings);
    if (experiments->told != MAP_FAILED)
        munmap(experiments->told, sizeof *experiments->told);
    if (experiments->rings_fd >= 0)
        close(experiments->rings_fd);
    free(experiments);
}

struct slice experiments_field(struct slice query, const char *name) {
    size_t len = strlen(name);
    while (query.len > 0) {
        query = slice_from(query, 1); /* the '?' or '&' */
        const char *end = memchr(query.at, '&', query.len);
        struct slice pair = {query.at, end ? (size_t)(end - query.at) : query.len};
        if (pair.len > len && pair.at[len] == '=' && memcmp(pair.at, name, len) == 0)
            return slice_from(pair, len + 1);
        query = slice_from(query, pair.len);
    }
    return query;
}

bool experiments_ask(const struct experiments *experiments, struct slice query) {
    if (query.len > EXPERIMENTS_ASK_MAX ||
        !slice_equal(experiments_field(query, "token"), slice_of(experiments->token)))
        return false;
    send(experiments->fd, query.at, query.len, MSG_DONTWAIT | MSG_NOSIGNAL); /* or it isn't begun, which is seen */
    return true;
}

void experiments_begin(struct experiments_told *told, uint32_t run) {
    atomic_store(&told->run, run);
    atomic_store(&told->len, 0);
}

void experiments_tell(struct experiments_told *told, const char *format, ...) {
    size_t len = atomic_load_explicit(&told->len, memory_order_relaxed), room = sizeof told->text - len;
    va_list args;
    if (len > sizeof told->text) /* the server can write it, too, and may be somebody's by now */
        return;
    va_start(args, format);
    int n = vsnprintf(told->text + len, room, format, args);
    va_end(args);
    if (n > 0 && (size_t)n + 1 < room) {
        memcpy(told->text + len + n, ",\n", 2);
        atomic_store_explicit(&told->len, len + (size_t)n + 2, memory_order_release);
    }
}

void experiments_told_put(const struct experiments *experiments, struct text *text) {
    struct experiments_told *told = experiments->told;
    uint32_t run = atomic_load(&told->run), running = atomic_load(&told->running);
    size_t len = atomic_load_explicit(&told->len, memory_order_acquire), before;
    text_put_string(text, "{\"run\":");
    text_put_number(text, run);
    text_put_string(text, running ? ",\"running\":true,\"records\":[\n" : ",\"running\":false,\"records\":[\n");
    before = text->len;
    text_put(text, told->text, len);
    atomic_thread_fence(memory_order_acquire);
    if (atomic_load(&told->run) != run)
        text->len = before;
    text_put_string(text, "null]}\n");
}

static void put_string(struct text *text, const char *before, const char *string) {
    text_put_string(text, before);
    text_put_json(text, slice_of(string));
    text_put_string(text, "\"");
}

void experiments_list_put(const struct experiments *experiments, struct text *text) {
    put_string(text, "{\"token\":\"", experiments->token);
    text_put_string(text, ",\"models\":");
    text_put_string(text, experiments->models);
    text_put_string(text, ",\"experiments\":[");
    for (const struct experiment *experiment = experiment_list; experiment->name; experiment++) {
        put_string(text, experiment == experiment_list ? "\n{\"name\":\"" : ",\n{\"name\":\"", experiment->name);
        put_string(text, ",\"title\":\"", experiment->title);
        put_string(text, ",\"what\":\"", experiment->what);
        const struct expectation *expected = experiment->expected;
        for (;; expected++) {
            text_put_string(text, expected == experiment->expected ? ",\"expected\":[" : ",");
            put_string(text, "{\"models\":\"", expected->models ? expected->models : "");
            put_string(text, ",\"fate\":\"", experiment_fate_names[expected->fate]);
            put_string(text, ",\"words\":\"", expected->words);
            text_put_string(text, "}");
            if (!expected->models)
                break;
        }
        text_put_string(text, "]}");
    }
    text_put_string(text, "\n]}\n");
}
