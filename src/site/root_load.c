/* A look at the root, once a second while there are requests: a deploy may have pointed it elsewhere. */
#include "base/say.h"
#include "site/file_load.h"

struct root_load {
    struct load load;
    struct filecache *cache;
    struct root *root;
    enum docroot_news news;
    struct docroot fresh;
    uint64_t gone_key; /* of the fact that it has been said to be gone */
    uint64_t begun_ms;
    uint32_t look; /* of the cache's */
};

static bool root_work(struct load *base, enum load_effort effort) {
    struct root_load *load = (struct root_load *)base;
    struct stat st;
    load->news = effort == LOAD_WAITS ? docroot_look(&load->root->docroot, &load->fresh) : ROOT_SAME;
    if (load->news == ROOT_GONE && fstat(load->root->docroot.fd, &st) == 0)
        load->gone_key = known_key(load->cache->place.known, KNOWN_SAID, &st, 0);
    return effort == LOAD_WAITS || docroot_stays(&load->root->docroot);
}

/* Once for all workers, and all processes that they have. */
static void root_say_gone(const struct root_load *load) {
    struct known *known = load->cache->place.known;
    uint64_t fact;
    if (known_get(known, load->gone_key, &fact))
        return;
    known_put(known, load->gone_key, 1);
    say("--root %s: has been deleted: 503 until it is back", load->root->docroot.path);
}

static void root_finish(struct load *base) {
    struct root_load *load = (struct root_load *)base;
    struct filecache *cache = load->cache;
    bool gone = load->news == ROOT_GONE;
    if (load->news == ROOT_MOVED)
        filecache_move_root(cache, &load->fresh);
    if (gone && !cache->root_gone)
        root_say_gone(load);
    cache->root_gone = gone;
    cache->root_checked_at_ms = load->begun_ms;
    cache->root_look = load->look;
    cache->root_load = NULL;
}

static void root_release(struct load *base) {
    struct root_load *load = (struct root_load *)base;
    if (base->state != LOAD_DONE)
        load->cache->root_load = NULL;
    root_put(load->root);
    filecache_drop_load(load->cache, load);
}

_Static_assert(sizeof(struct root_load) <= sizeof(struct file_load), "both are lent from one pool");

static const struct load_kind root_kind = {root_work, root_finish, root_release};

struct load *root_load_open(struct filecache *cache, const struct clock *clock) {
    struct root_load *load = cache->root_load;
    if (load)
        return load_get(&load->load);
    load = filecache_take_load(cache);
    if (!load)
        return NULL;
    load_init(&load->load, &root_kind);
    load->cache = cache;
    load->root = root_get(cache->root);
    load->gone_key = 0;
    load->begun_ms = clock->now_ms;
    load->look = ++cache->looks;
    cache->root_load = load;
    return &load->load;
}
