#define _GNU_SOURCE
#include "site/body_load.h"
#include "base/calls.h"
#include "site/disk.h"
#include "site/version.h"

#include <stdlib.h>

/* The hash of what was promised, if that is known. */
static bool promised_hash(const struct known *known, const struct outq_source *source, uint64_t *hash) {
    *hash = source->content;
    return source->hashed || known_get(known, source->key, hash);
}

enum body_state body_look(const struct known *known, const struct outq_source *source) {
    struct stat st;
    uint64_t content, promised;
    if (calls_fstat(source->fd, &st) < 0 || (uint64_t)st.st_size < source->size)
        return BODY_CHANGED;
    if (version_of(&st) == source->version)
        return BODY_SAME;
    if ((uint64_t)st.st_nlink != source->links && version_written(&st) == source->written)
        return BODY_SAME;
    if (!promised_hash(known, source, &promised))
        return BODY_CHANGED;
    if (known_get(known, known_key(known, KNOWN_CONTENT, &st, source->size), &content))
        return content == promised ? BODY_SAME : BODY_CHANGED;
    return BODY_UNPROVEN;
}

/* The range is read before it is looked whether the version is the same, or the hash is made: so what is written later
   does no harm. */
static bool body_prove(struct body_load *load, enum load_effort effort) {
    const struct outq_source *source = &load->source;
    enum body_state state;
    struct stat st;
    uint64_t content;
    if (calls_fstat(source->fd, &st) < 0 || (uint64_t)st.st_size < source->size)
        return true;
    ssize_t n = effort == LOAD_WAITS ? disk_read(source->fd, load->bytes, load->len, load->first)
                                     : disk_read_at_hand(source->fd, load->bytes, load->len, load->first);
    if (n != (ssize_t)load->len)
        return effort == LOAD_WAITS;
    state = source->remote ? body_look(load->known, source) : BODY_UNPROVEN;
    load->same = state == BODY_SAME;
    if (state != BODY_UNPROVEN)
        return true;
    uint64_t key = known_key(load->known, KNOWN_CONTENT, &st, source->size);
    if (!version_learn(load->known, key, source->fd, &st, source->size, effort, &content))
        return effort == LOAD_WAITS;
    load->same = content == load->promised;
    return true;
}

/* That it may still be written to within the clock's tick does no harm: what was sent then proves to be another. */
static bool body_vouch(const struct body_load *load, enum load_effort effort) {
    const struct outq_source *source = &load->source;
    struct stat st;
    uint64_t content;
    if (calls_fstat(source->fd, &st) < 0 || version_of(&st) != source->version)
        return true;
    if (!version_content(load->known, source->fd, source->size, effort, &content))
        return effort == LOAD_WAITS;
    if (version_is_still(source->fd, &st))
        known_put(load->known, source->key, content);
    return true;
}

static void body_fetch(const struct body_load *load) {
    char bytes[16 * 1024];
    for (size_t done = 0; done < load->len;) {
        size_t left = load->len - done;
        ssize_t n = disk_read(load->source.fd, bytes, left < sizeof bytes ? left : sizeof bytes, load->first + done);
        if (n <= 0)
            return; /* who sends it finds out */
        done += (size_t)n;
    }
}

static bool body_work(struct load *base, enum load_effort effort) {
    struct body_load *load = (struct body_load *)base;
    if (effort == LOAD_AT_HAND || (load->source.remote && effort != LOAD_WAITS))
        return false;
    switch (load->job) {
    case BODY_READ:
        load->same = disk_read(load->source.fd, load->bytes, load->len, load->first) == (ssize_t)load->len;
        break;
    case BODY_FETCH:
        body_fetch(load);
        break;
    case BODY_VOUCH:
        return body_vouch(load, effort);
    case BODY_PROVE:
        return body_prove(load, effort);
    }
    return true;
}

/* Who waited may keep the load for as long as its client doesn't read. */
static void body_finish(struct load *base) {
    struct body_load *load = (struct body_load *)base;
    if (load->file)
        filecache_put(load->file);
    load->file = NULL;
}

static void body_release(struct load *base) {
    body_finish(base);
    free(base);
}

const struct load_kind body_load_kind = {body_work, body_finish, body_release};

struct body_load *body_load_open(struct known *known, struct file *file, const struct outq_source *source,
                                 enum body_job job, uint64_t first, size_t len) {
    bool bytes = job == BODY_PROVE || job == BODY_READ;
    if (bytes && len > BODY_PROVEN_MAX)
        len = BODY_PROVEN_MAX;
    struct body_load *load = malloc(sizeof *load + (bytes ? len : 0));
    if (!load)
        return NULL;
    *load = (struct body_load){.known = known, .source = *source, .first = first, .len = len, .job = job};
    load_init(&load->load, &body_load_kind);
    load->load.subtree = source->subtree;
    if ((job == BODY_VOUCH || job == BODY_PROVE) && !source->remote)
        load->load.lane = version_lane(source->size);
    load->file = file ? filecache_ref(file) : NULL;
    if (job == BODY_PROVE)
        promised_hash(known, source, &load->promised);
    return load;
}
