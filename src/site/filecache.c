/* A hash table over a fixed array of slots. Which to drop is decided by a hand that sweeps the slots and spares those
   used since it last came by (CLOCK): unlike a list in order of use, a hit writes nothing but a flag in the entry it
   has just read.

   A slot is free when refs is 0. An entry that proves stale leaves the table at once, and its slot when the last reply
   that uses it has left. */
#define _GNU_SOURCE
#include "site/filecache.h"
#include "base/bounds.h"
#include "base/check.h"
#include "site/file.h"
#include "base/hash.h"
#include "site/version.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

enum { BLOCK_LEAST = 256 };

static unsigned fd_share(void) {
    struct rlimit limit;
    rlim_t share = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 8 : 8;
    return share < FILECACHE_FDS ? (unsigned)share : FILECACHE_FDS;
}

struct filecache *filecache_open(const struct site_config *config, int *error) {
    size_t size = sizeof(struct filecache) + FILECACHE_COUNT * sizeof(struct file);
    struct filecache *cache =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (cache == MAP_FAILED) {
        *error = -ENOMEM;
        return NULL;
    }
    cache->config = config;
    cache->files = (struct file *)(cache + 1);
    cache->root.fd = -1;
    cache->fd_max = fd_share();
    for (int i = 0; i < FILECACHE_CLASSES; i++)
        if (!pool_open(&cache->blocks[i], (size_t)BLOCK_LEAST << i, FILECACHE_BYTES / ((size_t)BLOCK_LEAST << i))) {
            *error = -ENOMEM;
            filecache_close(cache);
            return NULL;
        }
    *error = docroot_open(&cache->root, config->root, config->symlinks);
    if (*error) {
        cache->root.fd = -1;
        filecache_close(cache);
        return NULL;
    }
    if (getrandom(&cache->seed, sizeof cache->seed, GRND_NONBLOCK) < 0)
        cache->seed = (uint64_t)(uintptr_t)cache; /* early at boot: the address is random too */
    return cache;
}

static void file_free(struct file *file) {
    struct filecache *cache = file->cache;
    free(file->made);
    if (file->source.map)
        munmap((void *)(uintptr_t)file->source.map, file->size);
    if (file->source.fd >= 0) {
        close(file->source.fd);
        cache->fd_count--;
    }
    if (file->block) {
        pool_drop(&cache->blocks[file->block_class], file->block);
        cache->block_bytes -= (uint64_t)BLOCK_LEAST << file->block_class;
    }
    file->bucket_next = cache->free;
    cache->free = file;
}

void filecache_put(struct file *file) {
    CHECK(file->refs > 0);
    if (--file->refs == 0)
        file_free(file);
}

static void filecache_unlink(struct filecache *cache, struct file *file) {
    struct file **at = &cache->buckets[file->hash % FILECACHE_BUCKETS];
    while (*at != file)
        at = &(*at)->bucket_next;
    *at = file->bucket_next;
    file->cached = false;
    filecache_put(file);
}

void filecache_close(struct filecache *cache) {
    for (unsigned i = 0; i < cache->touched; i++)
        if (cache->files[i].refs && cache->files[i].cached)
            filecache_unlink(cache, &cache->files[i]);
    for (int i = 0; i < FILECACHE_CLASSES; i++)
        pool_close(&cache->blocks[i]);
    if (cache->root.fd >= 0)
        docroot_close(&cache->root);
    munmap(cache, sizeof *cache + FILECACHE_COUNT * sizeof(struct file));
}

/* Drops one entry that no reply uses: the first that was not used of late. With `fd`, only one that has a descriptor.
   False: there is none. */
static bool filecache_evict(struct filecache *cache, bool fd) {
    for (unsigned steps = 0; steps < 2 * cache->touched; steps++) {
        struct file *file = &cache->files[cache->hand++ % cache->touched];
        if (!file->refs || !file->cached || file->refs > 1 || (fd && file->source.fd < 0))
            continue;
        if (file->used) {
            file->used = false;
            continue;
        }
        filecache_unlink(cache, file);
        return true;
    }
    return false;
}

char *filecache_block(struct filecache *cache, struct file *file, size_t size) {
    int class = 0;
    while (((size_t)BLOCK_LEAST << class) < size)
        class ++;
    CHECK(class < FILECACHE_CLASSES && !file->block);
    while (cache->block_bytes + ((uint64_t)BLOCK_LEAST << class) > FILECACHE_BYTES)
        if (!filecache_evict(cache, false))
            return NULL;
    file->block = pool_take(&cache->blocks[class]);
    CHECK(file->block); /* each class alone could hold FILECACHE_BYTES */
    file->block_class = (int8_t) class;
    cache->block_bytes += (uint64_t)BLOCK_LEAST << class;
    return file->block;
}

void filecache_limit_fds(struct filecache *cache, unsigned count) {
    if (count < cache->fd_max)
        cache->fd_max = count;
}

bool filecache_release_fd(struct filecache *cache) {
    return filecache_evict(cache, true);
}

bool filecache_fd_room(struct filecache *cache) {
    while (cache->fd_count >= cache->fd_max)
        if (!filecache_evict(cache, true))
            return false;
    return true;
}

static struct file *filecache_slot(struct filecache *cache) {
    if (!cache->free && cache->touched == FILECACHE_COUNT)
        filecache_evict(cache, false);
    struct file *file = cache->free;
    if (file)
        cache->free = file->bucket_next;
    else if (cache->touched < FILECACHE_COUNT)
        file = &cache->files[cache->touched++];
    return file;
}

/* What is answered when every slot is held by a reply under way: more replies than slots, so only under attack. */
static struct file *file_unavailable(struct filecache *cache) {
    cache->unavailable = (struct file){.kind = FILE_ERROR, .status = 503, .source.fd = -1, .key = "", .cache = cache};
    cache->unavailable.refs = 2; /* never freed */
    return &cache->unavailable;
}

static struct file *filecache_load(struct filecache *cache, const struct clock *clock, struct slice path,
                                   uint32_t hash) {
    struct file *file = filecache_slot(cache);
    char key[FILE_KEY_MAX + 1];
    if (!file)
        return file_unavailable(cache);
    CHECK(path.len <= FILE_KEY_MAX);
    memcpy(key, path.at, path.len);
    key[path.len] = '\0';
    *file = (struct file){
        .refs = 1, .hash = hash, .key = key, .key_len = (uint32_t)path.len, .source.fd = -1, .cache = cache};
    file_load(cache, file, clock->seconds);
    file->checked_at_ms = clock->now_ms;
    if (!file->block || (file->kind == FILE_ERROR && file->status >= 500)) {
        file->key = "";
        return file;
    }
    struct file **bucket = &cache->buckets[hash % FILECACHE_BUCKETS];
    file->bucket_next = *bucket;
    *bucket = file;
    file->cached = true;
    file->refs++;
    return file;
}

/* A deploy may have pointed the root elsewhere: then nothing that is known counts. */
static void filecache_check_root(struct filecache *cache, const struct clock *clock) {
    if (clock->now_ms - cache->root_checked_at_ms < FILECACHE_TRUST_MS)
        return;
    cache->root_checked_at_ms = clock->now_ms;
    if (!docroot_moved(&cache->root))
        return;
    for (unsigned i = 0; i < cache->touched; i++)
        if (cache->files[i].refs && cache->files[i].cached)
            filecache_unlink(cache, &cache->files[i]);
}

/* A large file is sent from its descriptor, so what was written into it since shows at once: believing the entry would
   only end in a reply that has to be cut. */
static bool still_open_version(const struct file *file) {
    struct stat st;
    return file->source.fd < 0 || (fstat(file->source.fd, &st) == 0 && version_of(&st) == file->source.version);
}

struct file *filecache_get(struct filecache *cache, const struct clock *clock, struct slice path) {
    uint32_t hash = (uint32_t)hash_bytes(path.at, path.len, cache->seed);
    filecache_check_root(cache, clock);
    struct file *file = cache->buckets[hash % FILECACHE_BUCKETS];
    while (file && (file->hash != hash || file->key_len != path.len || memcmp(file->key, path.at, path.len) != 0))
        file = file->bucket_next;
    if (file && (clock->now_ms - file->checked_at_ms >= FILECACHE_TRUST_MS || !still_open_version(file))) {
        if (file_is_current(cache, file)) {
            file->checked_at_ms = clock->now_ms;
        } else {
            filecache_unlink(cache, file);
            file = NULL;
        }
    }
    if (!file)
        return filecache_load(cache, clock, path, hash);
    file->used = true;
    file->refs++;
    return file;
}

struct file *filecache_variant(struct filecache *cache, const struct clock *clock, struct slice path,
                               enum content_coding coding) {
    char key[FILE_KEY_MAX];
    memcpy(key, path.at, path.len);
    return filecache_get(cache, clock, (struct slice){key, file_variant_key(key, path.len, coding)});
}

struct file *filecache_listing(struct filecache *cache, const struct clock *clock, struct slice path,
                               struct listing *listing) {
    struct file *file = filecache_slot(cache);
    if (!file)
        return file_unavailable(cache);
    *file = (struct file){.refs = 1, .key = "", .source.fd = -1, .cache = cache};
    file_load_listing(cache, file, path, listing, clock->seconds);
    return file;
}
