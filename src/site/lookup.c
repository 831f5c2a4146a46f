/* A key is looked for in this order: the load that the request has waited for, if it was of this key; the cache's
   entries, if one may still be believed; the loads that are under way. Else a new load is opened. */
#include "site/lookup.h"
#include "base/check.h"
#include "base/hash.h"
#include "site/file_load.h"
#include "site/page_load.h"

#include <string.h>

/* False: lookup->wants is to be waited for. */
static bool root_is_known(struct lookup *lookup) {
    struct filecache *cache = lookup->cache;
    if (cache->root_checked_at_ms >= lookup->since_ms ||
        lookup->clock->now_ms - cache->root_checked_at_ms < FILECACHE_TRUST_MS)
        return true;
    lookup->wants = root_load_open(cache, lookup->clock);
    return !lookup->wants;
}

/* Nothing is there, or no page: perhaps as a deploy has pointed the root elsewhere, and now deletes what it was. */
static bool is_absence(const struct file *file) {
    return (file->kind == FILE_ERROR && file->status == 404) || file->kind == FILE_INDEXLESS;
}

/* So the root must have been looked at later than at the name; once for a request is enough. False: lookup->wants is to
   be waited for. */
static bool absence_is_known(struct lookup *lookup, const struct file *file) {
    struct filecache *cache = lookup->cache;
    if (!is_absence(file) || (int32_t)(cache->root_look - file->look) > 0 ||
        (int32_t)(cache->root_look - lookup->since_look) > 0)
        return true;
    lookup->wants = root_load_open(cache, lookup->clock);
    return !lookup->wants;
}

/* Whether an entry may be answered from. Each request has a look taken at a large file, so that what is written into it
   shows at once. One look is enough for a request, also while it waits for another file: else one that needs two files
   would have them looked at in turn for ever. */
static bool is_fresh(const struct lookup *lookup, const struct file *file) {
    if (file->kind == FILE_FD && !file->made)
        return file->checked_at_ms >= lookup->since_ms && (int32_t)(file->look - lookup->since_look) > 0;
    return file->checked_at_ms >= lookup->since_ms || lookup->clock->now_ms - file->checked_at_ms < FILECACHE_TRUST_MS;
}

/* Whether the key is being loaded already: then the request waits for that. */
static bool is_loading(struct lookup *lookup, struct slice key, uint32_t hash) {
    struct file_load *load = lookup->cache->loading[hash % FILECACHE_LOADING];
    while (load && (load->hash != hash || !filecache_key_is(load->key, load->key_len, key)))
        load = load->loading_next;
    if (load)
        lookup->wants = load_get(&load->load);
    return load;
}

/* What the request has waited for, if it is of this key. That nothing is there says nothing of a root that has taken
   the old one's place since. */
static struct file *file_got(const struct lookup *lookup, struct slice key, uint32_t hash) {
    const struct file_load *load = (const struct file_load *)lookup->got;
    bool same = load && load->load.kind->finish == file_load_finish && load->cache == lookup->cache &&
                load->hash == hash && load->begun_ms >= lookup->since_ms &&
                filecache_key_is(load->key, load->key_len, key) &&
                (load->root == lookup->cache->root || !is_absence(load->file));
    return same ? filecache_ref(load->file) : NULL;
}

static struct file *lookup_key(struct lookup *lookup, struct slice key, const struct listing *listing,
                               size_t path_len) {
    struct filecache *cache = lookup->cache;
    uint32_t hash = (uint32_t)hash_bytes(key.at, key.len, cache->seed);
    if (!root_is_known(lookup))
        return NULL;
    if (cache->root_gone)
        return filecache_ref(&cache->unavailable);
    struct file *file = file_got(lookup, key, hash);
    if (file && absence_is_known(lookup, file))
        return file;
    if (file) {
        filecache_put(file);
        return NULL;
    }
    file = filecache_entry(cache, key, hash);
    if (file && is_fresh(lookup, file)) {
        if (!absence_is_known(lookup, file))
            return NULL;
        file->used += file->used < FILECACHE_USED_MOST;
        tally_add(&cache->counts->hits, 1);
        return filecache_ref(file);
    }
    if (is_loading(lookup, key, hash))
        return NULL;
    tally_add(file ? &cache->counts->checks : &cache->counts->misses, 1);
    struct file_load *load = file_load_open(cache, lookup->clock, key, hash, file);
    if (!load)
        return filecache_ref(&cache->unavailable);
    if (listing)
        file_load_list(load, listing, path_len);
    lookup->wants = &load->load;
    return NULL;
}

/* How long a made page is believed: so making it takes little, however often it is asked for. */
enum { MADE_TRUST_MS = 100 };

struct file *lookup_made(struct lookup *lookup, int page) {
    const struct made *made = lookup->made;
    struct filecache *cache = lookup->cache;
    char bytes[MADE_PATH_MAX + 3];
    memcpy(bytes, made->path.at, made->path.len);
    const char letters[] = {'\0', 'P', (char)('A' + page)};
    memcpy(bytes + made->path.len, letters, sizeof letters);
    const struct slice key = {bytes, made->path.len + sizeof letters};
    uint32_t hash = (uint32_t)hash_bytes(key.at, key.len, cache->seed);
    struct file *file = file_got(lookup, key, hash);
    if (file)
        return file;
    file = filecache_entry(cache, key, hash);
    if (file && lookup->clock->now_ms - file->checked_at_ms < MADE_TRUST_MS)
        return filecache_ref(file);
    if (is_loading(lookup, key, hash))
        return NULL;
    struct file_load *load = file_load_open(cache, lookup->clock, key, hash, file);
    if (!load)
        return filecache_ref(&cache->unavailable);
    file_load_page(load, made, page);
    lookup->wants = &load->load;
    return NULL;
}

struct file *lookup_file(struct lookup *lookup, struct slice path) {
    return lookup_key(lookup, path, NULL, 0);
}

struct file *lookup_variant(struct lookup *lookup, struct slice path, enum content_coding coding) {
    char key[FILE_KEY_MAX];
    CHECK(path.len <= PATH_LEN_MAX);
    memcpy(key, path.at, path.len);
    key[path.len] = '\0';
    key[path.len + 1] = (char)('0' + coding);
    return lookup_key(lookup, (struct slice){key, path.len + 2}, NULL, 0);
}

struct file *lookup_listing(struct lookup *lookup, const struct listing *listing, struct slice path) {
    char key[FILE_KEY_MAX];
    CHECK(path.len <= PATH_LEN_MAX);
    memcpy(key, path.at, path.len);
    const char letters[] = {'\0', 'L', listing->json ? 'J' : 'H', (char)('0' + listing->sort),
                            listing->descending ? 'D' : 'A'};
    memcpy(key + path.len, letters, sizeof letters);
    return lookup_key(lookup, (struct slice){key, path.len + sizeof letters}, listing, path.len);
}
