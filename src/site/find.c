/* Any step may find that it isn't at hand: then what was opened is closed again, and all of it is done anew by somebody
   who may wait. What siblings the names in a folder have is read once for all of them, into 64 bits that say "none" or
   "perhaps" of a name (a Bloom filter): so most files cost no look for theirs. */
#define _GNU_SOURCE
#include "site/find.h"
#include "base/calls.h"
#include "base/hash.h"
#include "protocol/path.h"
#include "site/version.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    /* A folder of more names isn't read for its siblings: each file's are looked for by name. */
    NAMES_MAX = 20000,
    READ_LEN = 16 * 1024,
};

static const char *const coding_suffix[CODING_COUNT] = {"", ".br", ".zst", ".gz"};

int find_status(int error) {
    switch (-error) {
    case EACCES:
    case EPERM:
    case ENXIO: /* a socket, or a device that isn't there */
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EBUSY: /* somebody has a lease of it */
        return 503;
    case ENOENT: /* not there, or a name or link that can't lead anywhere beneath the root */
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case EXDEV:
    case EINVAL: /* not a name on this file system */
    case EILSEQ:
        return 404;
    default: /* there or not, it can't be had: a disk that fails, a file system whose server has gone, a 32-bit program
                and a file beyond what it can send */
        return 500;
    }
}

/* Opens found->path. False: not at hand. */
static bool find_file(const struct find_place *place, bool at_hand, struct found *found) {
    int fd = docroot_file(place->root, found->path, at_hand, &found->st);
    found->folder = fd >= 0 && S_ISDIR(found->st.st_mode);
    found->status = fd < 0 ? find_status(fd) : found->folder || S_ISREG(found->st.st_mode) ? 0 : 403;
    found->fd = found->status == 0 && !found->folder ? fd : -1;
    if (fd >= 0 && found->fd < 0)
        calls_close(fd);
    return fd != -EAGAIN;
}

/* A folder is answered by the first of its index files that is there. */
static bool find_index(const struct find_place *place, size_t len, bool at_hand, struct found *found) {
    for (int i = 0; i < place->config->index_count; i++) {
        const char *name = place->config->index[i];
        size_t name_len = strlen(name);
        if (name_len > NAME_MAX)
            continue;
        memcpy(found->path + len, name, name_len + 1);
        if (!find_file(place, at_hand, found))
            return false;
        if (found->status != 404 && !found->folder)
            return true;
    }
    found->path[len] = '\0';
    int error = docroot_stat(place->root, found->path, at_hand, &found->st);
    found->folder = found->indexless = !error;
    found->status = error ? find_status(error) : 0;
    return error != -EAGAIN;
}

static bool is_older(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/* The sibling of what was found: never when it is older than that. */
static bool find_variant(const struct find_place *place, bool at_hand, struct found *found) {
    struct timespec plain = found->st.st_mtim;
    bool file = found->fd >= 0;
    if (file)
        calls_close(found->fd);
    found->fd = -1;
    if (file) {
        memcpy(found->path + found->plain_len, coding_suffix[found->coding], strlen(coding_suffix[found->coding]) + 1);
        if (!find_file(place, at_hand, found))
            return false;
        if (found->fd >= 0 && !is_older(&found->st.st_mtim, &plain))
            return true;
    }
    if (found->fd >= 0)
        calls_close(found->fd);
    found->fd = -1;
    found->folder = false;
    found->status = found->status == 503 ? 503 : 404;
    return true;
}

/* Not counting the host's folder, which isn't part of what was asked for. */
static bool has_dotfile(const struct site_config *config, struct slice path) {
    const char *slash = config->vhosts ? memchr(path.at, '/', path.len) : NULL;
    return path_has_dotfile(slash ? slice_from(path, (size_t)(slash + 1 - path.at)) : path);
}

bool find(const struct find_place *place, struct slice key, bool at_hand, struct found *found) {
    size_t len = strnlen(key.at, key.len);
    bool there = true;
    found->folder = found->indexless = false;
    found->fd = -1;
    found->coding = len < key.len ? (enum content_coding)(key.at[len + 1] - '0') : CODING_IDENTITY;
    memset(&found->st, 0, sizeof found->st);
    memcpy(found->path, key.at, len);
    found->path[len] = '\0';
    if (!place->config->dotfiles && has_dotfile(place->config, (struct slice){key.at, len}))
        found->status = 404;
    else if (len == 0 || key.at[len - 1] == '/')
        there = find_index(place, len, at_hand, found);
    else
        there = find_file(place, at_hand, found);
    found->plain_len = strlen(found->path);
    if (there && found->coding != CODING_IDENTITY)
        there = find_variant(place, at_hand, found);
    return there;
}

static uint64_t stem_bit(struct slice name) {
    return (uint64_t)1 << (hash_bytes(name.at, name.len, 0) >> 58);
}

static uint64_t sibling_bits(const char *name) {
    struct slice s = slice_of(name);
    for (int coding = CODING_BR; coding < CODING_COUNT; coding++) {
        size_t suffix_len = strlen(coding_suffix[coding]);
        if (s.len > suffix_len && slice_ends(s, slice_of(coding_suffix[coding])))
            return stem_bit((struct slice){s.at, s.len - suffix_len});
    }
    return 0;
}

/* Reads the folder at `path`: the bits of all stems in it that have a sibling. */
static uint64_t read_siblings(const struct docroot *root, const char *path) {
    _Alignas(struct dirent64) char records[READ_LEN];
    uint64_t bits = 0;
    unsigned count = 0;
    long len = 0;
    int fd = docroot_folder(root, path);
    while (fd >= 0 && count < NAMES_MAX && (len = calls_getdents(fd, records, sizeof records)) > 0)
        for (long at = 0; at < len; count++) {
            uint16_t record_len;
            memcpy(&record_len, records + at + offsetof(struct dirent64, d_reclen), sizeof record_len);
            bits |= sibling_bits(records + at + offsetof(struct dirent64, d_name));
            at += record_len;
        }
    if (fd >= 0)
        calls_close(fd);
    return fd < 0 || len != 0 ? UINT64_MAX : bits;
}

/* The found file's folder, as a path in `folder`. */
static size_t folder_of(const struct found *found, char *folder) {
    const char *slash = memrchr(found->path, '/', found->plain_len);
    size_t len = slash ? (size_t)(slash - found->path) : 0;
    memcpy(folder, found->path, len);
    folder[len] = '\0';
    return slash ? len + 1 : 0;
}

bool find_folder(const struct find_place *place, const struct found *found, int64_t now_seconds, bool at_hand,
                 struct find_folder *folder) {
    char path[sizeof found->path];
    struct stat st;
    folder_of(found, path);
    int error = docroot_stat(place->root, path, at_hand, &st);
    *folder = (struct find_folder){0, UINT64_MAX};
    if (error)
        return error != -EAGAIN;
    bool settled = st.st_ctim.tv_sec + VERSION_SETTLED_S <= now_seconds;
    uint64_t key = known_key(place->known, KNOWN_SIBLINGS, &st, 0);
    if (settled && known_get(place->known, key, &folder->siblings)) {
        folder->version = key;
        return true;
    }
    if (at_hand)
        return false;
    folder->siblings = read_siblings(place->root, path);
    if (settled) {
        folder->version = key;
        known_put(place->known, key, folder->siblings);
    }
    return true;
}

bool find_codings(const struct find_place *place, const struct found *found, struct find_folder *folder, bool at_hand,
                  uint8_t *codings) {
    char path[sizeof found->path];
    size_t name_at = folder_of(found, path);
    struct stat st;
    *codings = 0;
    if (!(folder->siblings & stem_bit((struct slice){found->path + name_at, found->plain_len - name_at})))
        return true;
    memcpy(path, found->path, found->plain_len);
    for (int coding = CODING_BR; coding < CODING_COUNT; coding++) {
        memcpy(path + found->plain_len, coding_suffix[coding], strlen(coding_suffix[coding]) + 1);
        int error = docroot_stat(place->root, path, at_hand, &st);
        if (error == -EAGAIN)
            return false;
        bool unknown = error && find_status(error) >= 500;
        if (unknown)
            folder->version = 0; /* it will be the same folder when this can be told */
        if (unknown || (!error && S_ISREG(st.st_mode)))
            *codings |= (uint8_t)(1 << coding);
    }
    return true;
}
