/* Gathering and sorting what a folder holds. The work memory is filled from both ends: entries grow up from its
   beginning, their names down from its end; where they would meet, the listing is cut. Nothing here takes the heap:
   neither readdir nor the C library's qsort promises that. */
#define _GNU_SOURCE
#include "site/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    READ_LEN = 32 * 1024, /* what glibc's readdir reads at a time: some 1000 names */
};

struct gathering {
    const struct listing *listing;
    int folder_fd;
    struct listing_entries *entries;
    char *names; /* the lowest of them; entries may grow up to here */
};

/* Takes the next "name=value" off the query; parts without '=' have an empty value. */
static bool next_parameter(struct slice *query, struct slice *name, struct slice *value) {
    if (query->len == 0)
        return false;
    size_t end = 0, equals;
    while (end < query->len && query->at[end] != '&' && query->at[end] != ';')
        end++;
    for (equals = 0; equals < end && query->at[equals] != '='; equals++)
        ;
    *name = (struct slice){query->at, equals};
    *value = (struct slice){query->at + equals, end - equals};
    if (value->len > 0)
        *value = slice_from(*value, 1);
    *query = slice_from(*query, end < query->len ? end + 1 : end);
    return true;
}

static const struct {
    struct slice name, value;
    enum { SET_SORT, SET_ORDER, SET_FORMAT } what;
    int to;
} parameters[] = {
    {{"sort", 4}, {"name", 4}, SET_SORT, LISTING_BY_NAME},
    {{"sort", 4}, {"size", 4}, SET_SORT, LISTING_BY_SIZE},
    {{"sort", 4}, {"time", 4}, SET_SORT, LISTING_BY_TIME},
    {{"C", 1}, {"N", 1}, SET_SORT, LISTING_BY_NAME},
    {{"C", 1}, {"S", 1}, SET_SORT, LISTING_BY_SIZE},
    {{"C", 1}, {"M", 1}, SET_SORT, LISTING_BY_TIME},
    {{"order", 5}, {"asc", 3}, SET_ORDER, false},
    {{"order", 5}, {"desc", 4}, SET_ORDER, true},
    {{"O", 1}, {"A", 1}, SET_ORDER, false},
    {{"O", 1}, {"D", 1}, SET_ORDER, true},
    {{"format", 6}, {"html", 4}, SET_FORMAT, false},
    {{"format", 6}, {"json", 4}, SET_FORMAT, true},
};

void listing_read_query(struct listing *listing, struct slice query) {
    struct slice name, value;
    if (query.len > 0 && query.at[0] == '?')
        query = slice_from(query, 1);
    while (next_parameter(&query, &name, &value)) {
        for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
            if (!slice_equal(name, parameters[i].name) || !slice_equal(value, parameters[i].value))
                continue;
            if (parameters[i].what == SET_SORT)
                listing->sort = (enum listing_sort)parameters[i].to;
            else if (parameters[i].what == SET_ORDER)
                listing->descending = parameters[i].to;
            else
                listing->json = parameters[i].to;
        }
    }
}

/* ASCII letters without case first, bytes where that leaves a tie. Names in one folder are never equal. */
static int compare_names(const struct listing_entry *a, const struct listing_entry *b) {
    size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
    for (size_t i = 0; i < len; i++) {
        int difference = (unsigned char)ascii_lower(a->name[i]) - (unsigned char)ascii_lower(b->name[i]);
        if (difference != 0)
            return difference;
    }
    if (a->name_len != b->name_len)
        return a->name_len - b->name_len;
    return memcmp(a->name, b->name, len);
}

static int compare(const struct listing *listing, const struct listing_entry *a, const struct listing_entry *b) {
    int order = 0;
    if (a->folder != b->folder)
        return a->folder ? -1 : 1;
    if (listing->sort == LISTING_BY_NAME)
        order = compare_names(a, b);
    else if (listing->sort == LISTING_BY_TIME)
        order = (a->mtime > b->mtime) - (a->mtime < b->mtime);
    else if (!a->folder) /* a folder's own size says nothing, and isn't shown */
        order = (a->size > b->size) - (a->size < b->size);
    if (order == 0)
        return compare_names(a, b);
    return listing->descending ? -order : order;
}

/* Lets the entry at `root` sink until neither of its children comes after it. */
static void sift(const struct listing *listing, struct listing_entry *heap, size_t root, size_t count) {
    struct listing_entry sinking = heap[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(listing, &heap[child], &heap[child + 1]) < 0)
            child++;
        if (compare(listing, &sinking, &heap[child]) >= 0)
            break;
        heap[root] = heap[child];
    }
    heap[root] = sinking;
}

/* Heapsort: in place, and no order of names that somebody uploads makes it slow. */
static void sort(const struct listing *listing, struct listing_entry *at, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        sift(listing, at, i, count);
    for (size_t last = count; last-- > 1;) {
        struct listing_entry greatest = at[0];
        at[0] = at[last];
        at[last] = greatest;
        sift(listing, at, 0, last);
    }
}

static bool is_hidden(const struct gathering *gathering, const char *name) {
    if (name[0] != '.')
        return false;
    return !gathering->listing->dotfiles || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Whether `name` is to be listed, and *st of it or of what it links to. What vanished meanwhile, a link that leads
   nowhere, and what can't be looked at couldn't be served either. */
static bool look(const struct gathering *gathering, const char *name, struct stat *st) {
    const struct listing *listing = gathering->listing;
    if (fstatat(gathering->folder_fd, name, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return false;
    if (S_ISLNK(st->st_mode)) {
        int error = listing->follow ? listing->follow(listing->follow_context, name, st)
                                    : fstatat(gathering->folder_fd, name, st, AT_NO_AUTOMOUNT);
        if (error != 0)
            return false;
    }
    return S_ISREG(st->st_mode) || S_ISDIR(st->st_mode);
}

static void gather_name(struct gathering *gathering, const char *name) {
    struct listing_entries *entries = gathering->entries;
    struct listing_entry *entry = entries->at + entries->count;
    struct stat st;
    if (is_hidden(gathering, name) || !look(gathering, name, &st))
        return;
    size_t len = strlen(name);
    if ((size_t)(gathering->names - (char *)entry) < sizeof *entry + len) {
        entries->cut = true;
        return;
    }
    gathering->names -= len;
    memcpy(gathering->names, name, len);
    *entry = (struct listing_entry){.name = gathering->names,
                                    .name_len = (uint16_t)len,
                                    .folder = S_ISDIR(st.st_mode),
                                    .size = st.st_size,
                                    .mtime = st.st_mtim.tv_sec};
    entries->count++;
}

int listing_gather(const struct listing *listing, int folder_fd, char *work, size_t work_size,
                   struct listing_entries *entries) {
    _Alignas(struct dirent64) char records[READ_LEN];
    size_t skip = -(uintptr_t)work % _Alignof(struct listing_entry);
    struct gathering gathering = {listing, folder_fd, entries, work + work_size};
    *entries = (struct listing_entries){.at = NULL};
    if (lseek(folder_fd, 0, SEEK_SET) < 0)
        return -errno;
    if (work_size < skip + sizeof(struct listing_entry)) {
        entries->cut = true;
        return 0;
    }
    entries->at = (struct listing_entry *)(void *)(work + skip);
    while (!entries->cut) {
        long len = syscall(SYS_getdents64, folder_fd, records, sizeof records);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return -errno;
        if (len == 0)
            break;
        for (long at = 0; at < len && !entries->cut;) {
            uint16_t record_len;
            memcpy(&record_len, records + at + offsetof(struct dirent64, d_reclen), sizeof record_len);
            gather_name(&gathering, records + at + offsetof(struct dirent64, d_name));
            at += record_len;
        }
    }
    sort(listing, entries->at, entries->count);
    return 0;
}
