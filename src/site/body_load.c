#define _GNU_SOURCE
#include "site/body_load.h"
#include "site/version.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In the C library's headers since Linux 6.5. */
enum { SYS_CACHESTAT = 451 };

struct cachestat_range {
    uint64_t first, len;
};

struct cachestat_result {
    uint64_t cached, dirty, writeback, evicted, recently_evicted; /* pages */
};

bool body_at_hand(int fd, uint64_t first, size_t len) {
    static const uint64_t page = 4096; /* counted in pages of the kernel's, which may be larger: then "not at hand" */
    struct cachestat_range range = {first, len};
    struct cachestat_result result;
    return syscall(SYS_CACHESTAT, fd, &range, &result, 0) == 0 &&
           result.cached >= (first + len + page - 1) / page - first / page;
}

enum body_state body_look(const struct known *known, const struct outq_source *source) {
    struct stat st;
    uint64_t content;
    if (fstat(source->fd, &st) < 0 || (uint64_t)st.st_size < source->size)
        return BODY_CHANGED;
    if (version_of(&st) == source->version)
        return BODY_SAME;
    if (!source->proven)
        return BODY_CHANGED;
    if (known_get(known, known_version(known, KNOWN_CONTENT, &st, source->size), &content))
        return content == source->content ? BODY_SAME : BODY_CHANGED;
    return BODY_UNPROVEN;
}

static ssize_t read_at(int fd, char *at, size_t len, uint64_t first) {
    ssize_t n;
    do
        n = pread(fd, at, len, (off_t)first);
    while (n < 0 && errno == EINTR);
    return n;
}

/* To be filed, a version must be older than the clock's tick: another write within it wouldn't show. */
static bool is_past_its_tick(const struct stat *st) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age_ms = (now.tv_sec - st->st_ctim.tv_sec) * 1000 + (now.tv_nsec - st->st_ctim.tv_nsec) / 1000000;
    return age_ms > 20;
}

static void body_prove(struct body_load *load) {
    const struct outq_source *source = &load->source;
    struct stat before, after;
    uint64_t content;
    bool ok = fstat(source->fd, &before) == 0;
    bool aged = ok && is_past_its_tick(&before);
    ok = ok && read_at(source->fd, load->bytes, load->len, load->first) == (ssize_t)load->len &&
         version_content(source->fd, source->size, true, &content) && fstat(source->fd, &after) == 0;
    load->same = ok && content == source->content;
    if (ok && aged && version_of(&before) == version_of(&after))
        known_put(load->known, known_version(load->known, KNOWN_CONTENT, &after, source->size), content);
}

static bool body_work(struct load *base, bool at_hand) {
    struct body_load *load = (struct body_load *)base;
    char bytes[16 * 1024];
    if (at_hand)
        return false;
    if (load->prove)
        body_prove(load);
    else
        for (size_t done = 0; done < load->len;) {
            size_t left = load->len - done;
            ssize_t n = read_at(load->source.fd, bytes, left < sizeof bytes ? left : sizeof bytes, load->first + done);
            if (n <= 0)
                break; /* who sends it finds out */
            done += (size_t)n;
        }
    return true;
}

static void body_finish(struct load *base) {
    (void)base;
}

static void body_release(struct load *base) {
    struct body_load *load = (struct body_load *)base;
    close(load->source.fd);
    free(load);
}

const struct load_kind body_load_kind = {body_work, body_finish, body_release};

struct body_load *body_load_open(struct known *known, const struct outq_source *source, uint64_t first, size_t len,
                                 bool prove) {
    if (prove && len > BODY_PROVEN_MAX)
        len = BODY_PROVEN_MAX;
    struct body_load *load = malloc(sizeof *load + (prove ? len : 0));
    int fd = fcntl(source->fd, F_DUPFD_CLOEXEC, 0);
    if (!load || fd < 0) {
        if (fd >= 0)
            close(fd);
        free(load);
        return NULL;
    }
    *load = (struct body_load){.known = known, .source = *source, .first = first, .len = len, .prove = prove};
    load_init(&load->load, &body_load_kind);
    load->source.fd = fd;
    return load;
}
