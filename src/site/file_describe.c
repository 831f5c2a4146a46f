/* What a large file is known by. Its tag is a hash of its content up to VERSION_WHOLE_MAX; beyond, so that nobody waits
   for that, of samples, its size and its time, as long as these tell it from all other versions that were seen. */
#define _GNU_SOURCE
#include "site/disk.h"
#include "site/file_load.h"
#include "site/known.h"
#include "site/version.h"

/* The hash of a file's content, or of samples of it, from what is known or by reading it. False: it takes more, or
   can't be read. */
static bool content_hash(struct file_load *load, int fd, const struct stat *st, bool whole, enum load_effort effort,
                         uint64_t *hash) {
    struct known *known = load->place.known;
    uint64_t size = (uint64_t)st->st_size, key = known_key(known, KNOWN_CONTENT, st, whole ? size : 0);
    if (known_get(known, key, hash))
        return true;
    if (!whole)
        return version_sample(known, key, fd, st, effort != LOAD_WAITS, hash);
    if (effort == LOAD_AT_HAND) {
        load->load.lane = version_lane(size);
        return false;
    }
    return version_learn(known, key, fd, st, size, effort, hash);
}

/* A tag of samples and time, unless the time says nothing. Another version of the file that has had the same one has
   been edited in a way that hides: then its whole content must tell. *whole says so. False: it takes more, or can't be
   read. */
static bool sampled_tag(struct file_load *load, int fd, const struct stat *st, enum load_effort effort, uint64_t *tag,
                        bool *whole) {
    struct known *known = load->place.known;
    uint64_t before;
    *whole = st->st_mtim.tv_sec <= 1;
    if (*whole)
        return true;
    if (!content_hash(load, fd, st, false, effort, tag))
        return false;
    *tag = hash_bytes(&st->st_mtim.tv_sec, sizeof st->st_mtim.tv_sec, *tag);
    uint64_t key = known_key_tagged(known, st, *tag);
    if (!known_get(known, key, &before))
        known_put(known, key, version_of(st));
    else
        *whole = before != version_of(st);
    return true;
}

/* A file that was written to a moment ago, or has grown since it was last looked at, is a log, perhaps: then it grows
   while it is sent, too, and may be another version before the first piece leaves. */
static bool is_log(const struct file_load *load, const struct stat *st) {
    const struct file *old = load->old;
    return version_young(st, load->now_seconds) || (old && old->kind == FILE_FD && old->size < (uint64_t)st->st_size);
}

bool file_load_describe(struct file_load *load, const struct stat *st, int fd, enum load_effort effort, uint64_t *tag) {
    const uint64_t size = (uint64_t)st->st_size;
    bool whole = size <= VERSION_WHOLE_MAX, remote = disk_remote(load->place.known, st, fd, effort);
    if ((remote && effort != LOAD_WAITS) || (!whole && !sampled_tag(load, fd, st, effort, tag, &whole)))
        return false;
    uint64_t content = 0;
    bool provable = size <= VERSION_PROOF_MAX, hashed = whole || (provable && is_log(load, st));
    if (hashed && !content_hash(load, fd, st, true, effort, &content))
        return false;
    if (whole || (hashed && !version_is_still(fd, st)))
        *tag = content; /* its samples may have been another version's */
    load->file->by_reference = !version_young(st, load->now_seconds);
    load->file->fetched_at_ms = effort == LOAD_WAITS ? load->begun_ms : 0;
    load->file->source = (struct outq_source){.fd = fd,
                                              .provable = provable,
                                              .hashed = hashed,
                                              .remote = remote,
                                              .subtree = load->load.subtree,
                                              .version = version_of(st),
                                              .size = size,
                                              .content = content,
                                              .key = known_key(load->place.known, KNOWN_PROMISED, st, size),
                                              .written = version_written(st),
                                              .links = (uint64_t)st->st_nlink};
    return true;
}
