/* A hash table over a fixed array of slots, a second small one of what is being loaded, and three shelves that bound
   what is kept.

   A slot is free when refs is 0. An entry that proves stale leaves the table at once, and its slot when the last reply
   that uses it has left. */
#define _GNU_SOURCE
#include "site/filecache.h"
#include "base/bounds.h"
#include "base/check.h"
#include "base/hash.h"
#include "site/close_load.h"
#include "site/file_load.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    LARGE_MOST = 65536,
    LARGE_LEAST = 3,      /* that one request may need: a page, what is called as it without ".html", and a sibling */
    FORGET_AT_ONCE = 512, /* entries: some 100 us, descriptors being dearer to close than memory is to free */
    LOOK_AT_ONCE = 1024,  /* that are likely to stay */
};

static bool filecache_reserve(struct filecache *cache, unsigned user_count) {
    static const unsigned max[SHELF_COUNT] = {FILECACHE_COUNT, LARGE_MOST, FILECACHE_MISSING};
    size_t place_count = 0;
    for (int i = 0; i < SHELF_COUNT; i++)
        place_count += max[i];
    /* Besides what is kept, each user may hold a file; and each load, of which there are two for each user and some,
       has one, and one that was known. */
    cache->slot_count = (unsigned)place_count + 5 * user_count + 128;
    const int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *files = mmap(NULL, cache->slot_count * sizeof(struct file), protection, flags, -1, 0);
    void *places = mmap(NULL, place_count * sizeof(struct file *), protection, flags, -1, 0);
    cache->files = files == MAP_FAILED ? NULL : files;
    cache->places = places == MAP_FAILED ? NULL : places;
    struct file **at = cache->places;
    for (int i = 0; i < SHELF_COUNT && at; at += max[i++])
        cache->shelves[i] = (struct shelf){.at = at, .limit = max[i], .space = max[i]};
    return cache->files && cache->places && pool_open(&cache->loads, sizeof(struct file_load), 2 * user_count + 64);
}

static struct root *root_open(const struct site_config *config, int *error) {
    struct root *root = malloc(sizeof *root);
    *error = root ? docroot_open(&root->docroot, config->root, config->symlinks) : -ENOMEM;
    if (*error) {
        free(root);
        return NULL;
    }
    root->refs = 1;
    return root;
}

struct root *root_get(struct root *root) {
    root->refs++;
    return root;
}

void root_put(struct root *root) {
    if (--root->refs > 0)
        return;
    docroot_close(&root->docroot);
    free(root);
}

struct filecache *filecache_open(const struct site_config *config, struct known *known, unsigned user_count,
                                 int *error) {
    struct filecache *cache =
        mmap(NULL, sizeof *cache, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *error = -ENOMEM;
    if (cache == MAP_FAILED)
        return NULL;
    if (!filecache_reserve(cache, user_count) || !(cache->root = root_open(config, error))) {
        filecache_close(cache);
        return NULL;
    }
    cache->counts = &cache->own_counts;
    cache->max_bytes = FILECACHE_BYTES;
    cache->max_made_bytes = FILECACHE_MADE_BYTES;
    cache->place = (struct find_place){config, &cache->root->docroot, known};
    cache->unavailable = (struct file){
        .kind = FILE_ERROR, .status = 503, .source.fd = -1, .key = "", .cache = cache, .refs = 1}; /* never freed */
    if (getrandom(&cache->seed, sizeof cache->seed, GRND_NONBLOCK) < 0)
        cache->seed = (uint64_t)(uintptr_t)cache; /* early at boot: the address is random too */
    return cache;
}

void filecache_detach_to(struct filecache *cache, bool (*detach)(void *context, struct load *load), void *context) {
    cache->detach = detach;
    cache->detach_context = context;
}

static void close_source(const struct filecache *cache, const struct outq_source *source) {
    struct load *load = source->remote && cache->detach ? close_load_open(source) : NULL;
    if (load && cache->detach(cache->detach_context, load))
        return;
    if (load)
        load_put(load);
    close(source->fd);
}

static void file_free(struct file *file) {
    struct filecache *cache = file->cache;
    if (file->source.fd >= 0)
        close_source(cache, &file->source);
    cache->bytes -= file->cached_bytes;
    if (file->made && file->cached_bytes > 0) /* it has been counted */
        cache->made_bytes -= file->size;
    free(file->block);
    file->bucket_next = cache->free;
    cache->free = file;
    cache->used--;
}

void filecache_put(struct file *file) {
    CHECK(file->refs > 0);
    if (--file->refs == 0)
        file_free(file);
}

static struct shelf *shelf_of(struct filecache *cache, const struct file *file) {
    return &cache->shelves[file->kind == FILE_FD      ? SHELF_LARGE
                           : file->kind == FILE_ERROR ? SHELF_MISSING
                                                      : SHELF_SMALL];
}

/* Forgets an entry. */
static void filecache_unlink(struct filecache *cache, struct file *file) {
    struct shelf *shelf = shelf_of(cache, file);
    struct file **at = &cache->buckets[file->hash % FILECACHE_BUCKETS];
    while (*at != file)
        at = &(*at)->bucket_next;
    *at = file->bucket_next;
    struct file *last = shelf->at[--shelf->count];
    shelf->at[file->shelf_at] = last;
    last->shelf_at = file->shelf_at;
    file->cached = false;
    filecache_put(file);
}

/* Forgets up to `most` entries. False: there are more. */
static bool filecache_forget(struct filecache *cache, unsigned most) {
    for (int i = 0; i < SHELF_COUNT; i++)
        for (; cache->shelves[i].count > 0; most--) {
            if (most == 0)
                return false;
            filecache_unlink(cache, cache->shelves[i].at[0]);
        }
    return true;
}

void filecache_move_root(struct filecache *cache, const struct docroot *fresh) {
    struct root *root = malloc(sizeof *root);
    if (!root) { /* the next look finds it again */
        struct docroot unused = *fresh;
        docroot_close(&unused);
        return;
    }
    *root = (struct root){*fresh, 1};
    filecache_forget(cache, UINT_MAX);
    root_put(cache->root);
    cache->root = root;
    cache->place.root = &root->docroot;
    memset(cache->notes, 0, sizeof cache->notes);
}

/* Numbers of looks go on, so that one taken at the other is in order here, too. */
void filecache_follow(struct filecache *cache, const struct filecache *before) {
    cache->looks = before->looks;
    cache->root_look = before->root_look;
    cache->fds_above = before->fds_above;
    cache->max_bytes = before->max_bytes;
    cache->max_made_bytes = before->max_made_bytes;
}

bool filecache_abandon(struct filecache *cache, bool *more) {
    *more = !filecache_forget(cache, FORGET_AT_ONCE);
    if (*more)
        return false;
    if (cache->loads_used == 0 && cache->root) {
        root_put(cache->root);
        cache->root = NULL;
        pool_close(&cache->loads);
    }
    return cache->used == 0 && cache->loads_used == 0;
}

void filecache_close(struct filecache *cache) {
    cache->detach = NULL; /* at the end there may be nobody */
    filecache_forget(cache, UINT_MAX);
    if (cache->root)
        root_put(cache->root);
    pool_close(&cache->loads);
    if (cache->files)
        munmap(cache->files, cache->slot_count * sizeof(struct file));
    if (cache->places)
        munmap(cache->places, (FILECACHE_COUNT + LARGE_MOST + FILECACHE_MISSING) * sizeof(struct file *));
    munmap(cache, sizeof *cache);
}

struct file *filecache_entry(const struct filecache *cache, struct slice key, uint32_t hash) {
    struct file *file = cache->buckets[hash % FILECACHE_BUCKETS];
    while (file && (file->hash != hash || !filecache_key_is(file->key, file->key_len, key)))
        file = file->bucket_next;
    return file;
}

/* Drops one entry that no reply uses: the first that was not asked for of late. False: there is none. */
static bool shelf_evict(struct filecache *cache, struct shelf *shelf) {
    for (unsigned steps = (FILECACHE_USED_MOST + 1) * shelf->count; steps > 0; steps--) {
        if (shelf->hand >= shelf->count)
            shelf->hand = 0;
        struct file *file = shelf->at[shelf->hand];
        if (file->refs == 1 && file->used == 0) {
            filecache_unlink(cache, file);
            /* The last one, and so the newest, is in its place now, and not looked at next: a request that needs two
               entries would have each of them make room for the other, for ever. */
            shelf->hand++;
            return true;
        }
        file->used -= file->used > 0;
        shelf->hand++;
    }
    return false;
}

void filecache_limit_fds(struct filecache *cache, unsigned count) {
    struct shelf *shelf = &cache->shelves[SHELF_LARGE];
    if (count < shelf->limit)
        shelf->limit = count > LARGE_LEAST ? count : LARGE_LEAST;
}

void filecache_fds_above(struct filecache *cache, int first) {
    cache->fds_above = first;
}

void filecache_raise_fd(const struct filecache *cache, struct file *file) {
    if (file->source.fd < 0 || file->source.fd >= cache->fds_above)
        return;
    int fd = fcntl(file->source.fd, F_DUPFD_CLOEXEC, cache->fds_above);
    if (fd < 0)
        return;
    close_source(cache, &file->source);
    file->source.fd = fd;
}

bool filecache_release_fd(struct filecache *cache) {
    return shelf_evict(cache, &cache->shelves[SHELF_LARGE]);
}

bool filecache_close_unasked(struct filecache *cache, uint64_t now_ms) {
    struct shelf *shelf = &cache->shelves[SHELF_LARGE];
    int closed = 0;
    for (int looks = 0; cache->unasked_at < shelf->count; looks++) {
        struct file *file = shelf->at[cache->unasked_at];
        if (looks == LOOK_AT_ONCE || closed == FORGET_AT_ONCE)
            return false;
        if (file->refs > 1 || file->made || now_ms < file->checked_at_ms + FILECACHE_UNASKED_MS) {
            cache->unasked_at++;
        } else {
            filecache_unlink(cache, file); /* the last one is in its place now */
            closed++;
        }
    }
    cache->unasked_at = 0;
    return true;
}

bool filecache_take_body(struct filecache *cache) {
    if (cache->bodies == FILECACHE_BODIES)
        return false;
    while (cache->bytes + FILECACHE_BODY_MAX > cache->max_bytes)
        if (!shelf_evict(cache, &cache->shelves[SHELF_SMALL]))
            return false;
    cache->bodies++;
    return true;
}

void filecache_drop_body(struct filecache *cache) {
    CHECK(cache->bodies > 0);
    cache->bodies--;
}

void filecache_limit_bytes(struct filecache *cache, uint64_t bytes) {
    cache->max_bytes = cache->max_made_bytes = bytes;
}

uint64_t filecache_memory(const struct filecache *cache) {
    uint64_t place_count = 0;
    for (int i = 0; i < SHELF_COUNT; i++)
        place_count += cache->shelves[i].limit;
    return sizeof *cache + place_count * (sizeof(struct file) + sizeof(struct file *)) + cache->max_bytes +
           FILECACHE_BODIES * (uint64_t)FILECACHE_BODY_MAX;
}

void *filecache_take_load(struct filecache *cache) {
    void *load = pool_take(&cache->loads);
    cache->loads_used += load != NULL;
    return load;
}

void filecache_drop_load(struct filecache *cache, void *load) {
    pool_drop(&cache->loads, load);
    cache->loads_used--;
}

struct file *filecache_slot(struct filecache *cache) {
    struct file *file = cache->free;
    if (file)
        cache->free = file->bucket_next;
    else if (cache->touched < cache->slot_count)
        file = &cache->files[cache->touched++];
    CHECK(file); /* there are enough */
    cache->used++;
    *file = (struct file){.refs = 1, .key = "", .source.fd = -1, .cache = cache};
    return file;
}

static bool filecache_room(struct filecache *cache, const struct file *file) {
    struct shelf *shelf = shelf_of(cache, file);
    while ((shelf->count >= shelf->limit || cache->bytes > cache->max_bytes) && shelf_evict(cache, shelf))
        ;
    return shelf->count < shelf->space; /* when all are in use there are more for a while: they take what they take */
}

/* Listings are made in memory, so those that slow clients hold on to are bounded like those that are kept. False: this
   one must not be sent. */
static bool filecache_made_room(struct filecache *cache) {
    while (cache->made_bytes > cache->max_made_bytes && shelf_evict(cache, &cache->shelves[SHELF_LARGE]))
        ;
    return cache->made_bytes <= FILECACHE_MADE_BYTES;
}

static void file_refuse(struct filecache *cache, struct file *file) {
    cache->made_bytes -= file->size;
    close(file->source.fd);
    file->source.fd = -1;
    file->made = false;
    file->kind = FILE_ERROR;
    file->status = 503;
}

void filecache_publish(struct filecache *cache, struct file *file, struct file *old) {
    cache->bytes += file->block_len;
    file->cached_bytes = file->block_len;
    if (old && old->cached)
        filecache_unlink(cache, old);
    if (file->made) {
        cache->made_bytes += file->size;
        if (!filecache_made_room(cache))
            file_refuse(cache, file);
    }
    if (!file->block || (file->kind == FILE_ERROR && file->status >= 500) || !filecache_room(cache, file))
        return;
    struct shelf *shelf = shelf_of(cache, file);
    struct file **bucket = &cache->buckets[file->hash % FILECACHE_BUCKETS];
    file->bucket_next = *bucket;
    *bucket = file;
    file->shelf_at = shelf->count;
    shelf->at[shelf->count++] = file;
    file->cached = true;
    file->refs++;
}
