/* Finding, opening and reading a file, in whatever thread.

   A small file is read whole and its head rendered from what was read, between two looks at its size and times: so head
   and body belong together, whoever writes the file meanwhile. A large one is sent from the descriptor that was looked
   at, whatever its name means later. */
#define _GNU_SOURCE
#include "site/file_load.h"
#include "base/calls.h"
#include "base/check.h"
#include "site/disk.h"
#include "site/file_head.h"
#include "site/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    READ_TRIES = 4, /* a file that is being written while it is read is sent from its descriptor after so many */
};

static bool same_version(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && version_of(a) == version_of(b);
}

/* Brings load->folder up to date. False: not at hand. */
static bool know_folder(struct file_load *load, const struct found *found, bool at_hand) {
    if (load->folder_known)
        return true;
    load->folder_known = load->folder_seen =
        find_folder(&load->place, found, load->now_seconds, at_hand, &load->folder);
    return load->folder_known;
}

/* Else it may have changed again within the clock's tick, or by way of a mapping, or by the rest of a write. */
static bool was_settled(const struct file *file) {
    return file->st.st_ctim.tv_sec + VERSION_SETTLED_S <= file->loaded_at_seconds;
}

/* Whether what was found is what was known. `*there`: false when telling takes waiting. */
static bool is_current(struct file_load *load, const struct found *found, bool at_hand, bool *there) {
    const struct file *old = load->old;
    uint8_t codings;
    if (old->kind == FILE_ERROR)
        return found->status == old->status;
    if (found->status)
        return false;
    if (found->folder)
        return old->kind == (found->indexless ? FILE_INDEXLESS : FILE_FOLDER);
    if (old->kind == FILE_FOLDER || old->kind == FILE_INDEXLESS || !same_version(&found->st, &old->st))
        return false;
    if (!was_settled(old) || !file_head_is_current(old, load->now_seconds))
        return false;
    if (found->coding != CODING_IDENTITY)
        return true;
    *there = know_folder(load, found, at_hand);
    if (*there && load->folder.version && load->folder.version == old->folder_version)
        return true;
    *there = *there && find_codings(&load->place, found, &load->folder, at_hand, &codings);
    return *there && codings == old->codings;
}

/* What is written into a large file shows at once, as it is sent from its descriptor: believing what was known for a
   second would only end in replies that have to be cut. */
static bool fd_is_current(const struct file_load *load) {
    struct stat st;
    return calls_fstat(load->old->source.fd, &st) == 0 && version_of(&st) == load->old->source.version;
}

enum reading { READ_WELL, READ_CHANGED, READ_WAITS };

/* Reads the whole file into `body`. READ_WELL: it was the same before and after; *st is as it was after. */
static enum reading read_whole(int fd, char *body, bool at_hand, struct stat *st) {
    struct stat before = *st;
    size_t done = 0, size = (size_t)before.st_size;
    while (done < size) {
        ssize_t n = at_hand ? disk_read_at_hand(fd, body + done, size - done, done)
                            : disk_read(fd, body + done, size - done, done);
        if (n < 0 && at_hand) /* what is wrong with it, a loader finds out */
            return READ_WAITS;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return calls_fstat(fd, st) == 0 && same_version(&before, st) && done == size ? READ_WELL : READ_CHANGED;
}

static enum reading read_steadily(int fd, char *body, size_t space, bool at_hand, struct stat *st) {
    enum reading reading = READ_CHANGED;
    for (int tries = 0; tries < READ_TRIES && reading == READ_CHANGED && (size_t)st->st_size <= space; tries++)
        reading = read_whole(fd, body, at_hand, st);
    return reading;
}

bool file_load_block(struct file_load *load, size_t head_len, size_t body_len) {
    struct file *file = load->file;
    file->block_len = head_len + load->key_len + 1 + body_len;
    file->block = malloc(file->block_len);
    if (!file->block)
        return false;
    file->key_len = (uint32_t)load->key_len;
    memcpy(file->block + head_len, load->key, load->key_len + 1);
    file->key = file->block + head_len;
    file->body = file->key + load->key_len + 1;
    return true;
}

static void drop_block(struct file *file) {
    free(file->block);
    file->block = NULL;
}

void file_load_fail(struct file_load *load, int status) {
    struct file *file = load->file;
    drop_block(file);
    file->kind = FILE_ERROR;
    file->status = status;
    if (!file_load_block(load, 0, 0)) {
        file->status = 503;
        file->key = "";
    }
}

static void render_head(struct file_load *load, const struct found *found, uint64_t tag) {
    struct file *file = load->file;
    struct file_head head = {.path = {found->path, found->plain_len},
                             .coding = found->coding,
                             .vary = file->codings || found->coding != CODING_IDENTITY ? "Accept-Encoding" : NULL,
                             .hash = tag,
                             .now_seconds = load->now_seconds};
    file->size = (uint64_t)file->st.st_size;
    file_head_render(load->place.config, file, &head, file->block);
}

/* Reads a small file, and closes it when it was read well. */
static enum reading load_body(struct file_load *load, const struct found *found, size_t head_len, bool at_hand) {
    struct file *file = load->file;
    size_t size = (size_t)file->st.st_size;
    if (!file_load_block(load, head_len, size))
        return READ_CHANGED;
    enum reading reading = read_steadily(found->fd, (char *)(uintptr_t)file->body, size, at_hand, &file->st);
    if (reading != READ_WELL) {
        drop_block(file);
        return reading;
    }
    file->source.remote = !at_hand && disk_remote(load->place.known, &file->st, found->fd, LOAD_WAITS);
    calls_close(found->fd);
    file->kind = FILE_BODY;
    render_head(load, found, version_bytes(file->body, (size_t)file->st.st_size));
    return READ_WELL;
}

/* Of the found regular file, of which nothing is promised that can't be read. False: it takes more; found->fd is
   closed. */
static bool load_regular(struct file_load *load, struct found *found, enum load_effort effort) {
    struct file *file = load->file;
    size_t head_len = file_head_space(load->place.config);
    uint64_t tag;
    file->st = found->st;
    enum reading reading = READ_CHANGED;
    if ((uint64_t)file->st.st_size > SIZE_MAX / 2) {
        calls_close(found->fd);
        file_load_fail(load, find_status(-EOVERFLOW));
        return true;
    }
    if (load->body_ok && file->st.st_size <= FILECACHE_BODY_MAX)
        reading = load_body(load, found, head_len, effort != LOAD_WAITS);
    if (reading == READ_WELL)
        return true;
    if (reading == READ_WAITS || !file_load_describe(load, &file->st, found->fd, effort, &tag)) {
        calls_close(found->fd);
        if (effort == LOAD_WAITS)
            file_load_fail(load, find_status(-EIO));
        return effort == LOAD_WAITS;
    }
    if (!file_load_block(load, head_len, 0)) {
        calls_close(found->fd);
        file->source.fd = -1;
        file_load_fail(load, 503);
        return true;
    }
    file->kind = FILE_FD;
    render_head(load, found, tag);
    return true;
}

static bool load_found(struct file_load *load, struct found *found, enum load_effort effort) {
    struct file *file = load->file;
    bool at_hand = effort != LOAD_WAITS;
    if (found->status) {
        file_load_fail(load, found->status);
        return true;
    }
    if (found->folder) {
        file_load_fail(load, 0); /* a name without content */
        if (file->status == 0)
            file->kind = found->indexless ? FILE_INDEXLESS : FILE_FOLDER;
        return true;
    }
    if (found->coding == CODING_IDENTITY) {
        if (!know_folder(load, found, at_hand) ||
            !find_codings(&load->place, found, &load->folder, at_hand, &file->codings)) {
            calls_close(found->fd);
            return false;
        }
        file->folder_version = load->folder.version;
    }
    return load_regular(load, found, effort);
}

/* Apart, as what it takes of a stack would be touched by each request for a large file (-fstack-clash-protection), on
   the stack of each coroutine. */
static __attribute__((noinline)) bool find_again(struct file_load *load, enum load_effort effort) {
    struct found found;
    bool there = true, at_hand = effort != LOAD_WAITS;
    if (!find(&load->place, (struct slice){load->key, load->key_len}, at_hand, &found))
        return false;
    load->current = load->old && is_current(load, &found, at_hand, &there);
    if (load->current || !there) {
        if (found.fd >= 0)
            calls_close(found.fd);
        load->by_reference = there && !version_young(&found.st, load->now_seconds);
        return there;
    }
    return load_found(load, &found, effort);
}

static bool file_work(struct load *base, enum load_effort effort) {
    struct file_load *load = (struct file_load *)base;
    if (effort != LOAD_WAITS && load->old && load->old->source.remote)
        return false;
    if (load->old && load->just_fd && fd_is_current(load)) {
        load->current = true;
        load->by_reference = !version_young(&load->old->st, load->now_seconds);
        return true;
    }
    load->just_fd = false;
    return find_again(load, effort);
}

static void loading_remove(struct file_load *load) {
    struct file_load **at = &load->cache->loading[load->hash % FILECACHE_LOADING];
    while (*at && *at != load)
        at = &(*at)->loading_next;
    if (*at)
        *at = load->loading_next;
}

void file_load_finish(struct load *base) {
    struct file_load *load = (struct file_load *)base;
    struct filecache *cache = load->cache;
    loading_remove(load);
    if (load->folder_seen)
        cache->notes[load->folder_hash % FILECACHE_NOTES] =
            (struct folder_note){load->folder_hash, load->begun_ms, load->folder};
    if (load->current) {
        load->old->checked_at_ms = load->begun_ms;
        if (!load->just_fd)
            load->old->named_at_ms = load->begun_ms;
        load->old->look = load->look;
        load->old->by_reference = load->by_reference;
        filecache_put(load->file);
        load->file = load->old;
        load->old = NULL;
        return;
    }
    filecache_raise_fd(cache, load->file);
    load->file->hash = load->hash;
    load->file->checked_at_ms = load->file->named_at_ms = load->begun_ms;
    load->file->look = load->look;
    load->file->loaded_at_seconds = load->now_seconds;
    if (load->root == cache->root) /* else it was found beneath a root that is no more */
        filecache_publish(cache, load->file, load->old);
}

void file_load_release(struct load *base) {
    struct file_load *load = (struct file_load *)base;
    if (base->state != LOAD_DONE)
        loading_remove(load);
    if (load->body_ok)
        filecache_drop_body(load->cache);
    filecache_put(load->file);
    if (load->old)
        filecache_put(load->old);
    root_put(load->root);
    filecache_drop_load(load->cache, load);
}

static const struct load_kind file_kind = {file_work, file_load_finish, file_load_release};

/* Whether the folder that `path` lies in has been looked at of late; what it is then. */
static void recall_folder(struct file_load *load, uint64_t now_ms) {
    const struct filecache *cache = load->cache;
    const char *slash = memrchr(load->key, '/', load->path_len);
    load->folder_hash = hash_bytes(load->key, slash ? (size_t)(slash - load->key) : 0, cache->seed);
    const struct folder_note *note = &cache->notes[load->folder_hash % FILECACHE_NOTES];
    load->folder_known = note->path_hash == load->folder_hash && now_ms - note->checked_at_ms < FILECACHE_TRUST_MS;
    load->folder = note->folder;
}

/* What is mounted in a root is so at, or beneath, one of the folders in it, most likely. The same for all workers. */
static uint32_t subtree_of(const struct file_load *load) {
    const char *first = load->key + (load->key[0] == '/'), *slash = strchr(first, '/');
    return (uint32_t)hash_bytes(first, slash ? (size_t)(slash - first) : 0, load->root->docroot.inode);
}

struct file_load *file_load_open(struct filecache *cache, const struct clock *clock, struct slice key, uint32_t hash,
                                 struct file *old) {
    struct file_load *load = filecache_take_load(cache);
    if (!load)
        return NULL;
    load_init(&load->load, &file_kind);
    load->cache = cache;
    load->hash = hash;
    load->begun_ms = clock->now_ms;
    load->look = ++cache->looks;
    load->now_seconds = clock->seconds;
    load->place = cache->place;
    load->root = root_get(cache->root);
    load->old = old ? filecache_ref(old) : NULL;
    load->file = filecache_slot(cache);
    load->current = load->by_reference = load->folder_seen = false;
    load->just_fd =
        old && old->kind == FILE_FD && was_settled(old) && clock->now_ms - old->named_at_ms < FILECACHE_TRUST_MS;
    load->body_ok = filecache_take_body(cache);
    CHECK(key.len <= FILE_KEY_MAX);
    memcpy(load->key, key.at, key.len);
    load->key[key.len] = '\0';
    load->key_len = key.len;
    load->path_len = strlen(load->key);
    load->load.subtree = subtree_of(load);
    recall_folder(load, clock->now_ms);
    struct file_load **bucket = &cache->loading[hash % FILECACHE_LOADING];
    load->loading_next = *bucket;
    *bucket = load;
    return load;
}
