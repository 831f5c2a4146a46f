/* Gathering and sorting what a folder holds. Entries and their names are kept apart, each in memory that grows; an
   entry says where its name begins, so that both may move. */
#define _GNU_SOURCE
#include "site/listing.h"
#include "base/calls.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RECORDS_LEN = 64 * 1024, /* what is read of a folder at a time: some 2000 names; more than a small stack has */
    ENTRIES_LEAST = 64,
};

struct gathering {
    const struct listing *listing;
    int folder_fd;
    size_t entries_max;
    struct listing_entries *entries;
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
    {{"C", 1}, {"N", 1}, SET_SORT, LISTING_BY_NAME},
    {{"C", 1}, {"S", 1}, SET_SORT, LISTING_BY_SIZE},
    {{"C", 1}, {"M", 1}, SET_SORT, LISTING_BY_TIME},
    {{"O", 1}, {"A", 1}, SET_ORDER, false},
    {{"O", 1}, {"D", 1}, SET_ORDER, true},
    {{"sort", 4}, {"name", 4}, SET_SORT, LISTING_BY_NAME},
    {{"sort", 4}, {"size", 4}, SET_SORT, LISTING_BY_SIZE},
    {{"sort", 4}, {"time", 4}, SET_SORT, LISTING_BY_TIME},
    {{"order", 5}, {"asc", 3}, SET_ORDER, false},
    {{"order", 5}, {"desc", 4}, SET_ORDER, true},
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
static int compare_names(const char *names, const struct listing_entry *a, const struct listing_entry *b) {
    const char *name_a = names + a->name_at, *name_b = names + b->name_at;
    size_t len = a->name_len < b->name_len ? a->name_len : b->name_len;
    for (size_t i = 0; i < len; i++) {
        int difference = (unsigned char)ascii_lower(name_a[i]) - (unsigned char)ascii_lower(name_b[i]);
        if (difference != 0)
            return difference;
    }
    if (a->name_len != b->name_len)
        return a->name_len - b->name_len;
    return memcmp(name_a, name_b, len);
}

static int compare(const struct listing *listing, const char *names, const struct listing_entry *a,
                   const struct listing_entry *b) {
    int order = 0;
    if (a->folder != b->folder)
        return a->folder ? -1 : 1;
    if (listing->sort == LISTING_BY_NAME)
        order = compare_names(names, a, b);
    else if (listing->sort == LISTING_BY_TIME)
        order = (a->mtime > b->mtime) - (a->mtime < b->mtime);
    else if (!a->folder) /* a folder's own size says nothing, and isn't shown */
        order = (a->size > b->size) - (a->size < b->size);
    if (order == 0)
        return compare_names(names, a, b);
    return listing->descending ? -order : order;
}

/* Mergesort: no order of names that somebody uploads makes it slow. `spare` has room for half of them. */
static void sort(const struct listing *listing, const char *names, struct listing_entry *at, size_t count,
                 struct listing_entry *spare) {
    size_t half = count / 2, left = 0, right = half, to = 0;
    if (count < 2)
        return;
    sort(listing, names, at, half, spare);
    sort(listing, names, at + half, count - half, spare);
    if (compare(listing, names, &at[half - 1], &at[half]) < 0)
        return;
    memcpy(spare, at, half * sizeof *at);
    while (left < half)
        at[to++] = right < count && compare(listing, names, &at[right], &spare[left]) < 0 ? at[right++] : spare[left++];
}

static int sort_all(const struct listing *listing, struct listing_entries *entries) {
    struct listing_entry *spare = malloc((entries->count / 2 + 1) * sizeof *spare);
    if (!spare)
        return -ENOMEM;
    sort(listing, entries->names.at, entries->at, entries->count, spare);
    free(spare);
    return 0;
}

void listing_drop(struct listing_entries *entries) {
    free(entries->at);
    free(entries->names.at);
    *entries = (struct listing_entries){.count = 0};
}

static bool is_hidden(const struct gathering *gathering, const char *name) {
    if (name[0] != '.')
        return false;
    return !gathering->listing->dotfiles || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* *st of `name`, or of what it links to. */
static int look(const struct gathering *gathering, const char *name, struct stat *st) {
    const struct listing *listing = gathering->listing;
    if (fstatat(gathering->folder_fd, name, st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
        return -errno;
    if (!S_ISLNK(st->st_mode))
        return 0;
    if (listing->follow)
        return listing->follow(listing->follow_context, name, st);
    return fstatat(gathering->folder_fd, name, st, AT_NO_AUTOMOUNT) < 0 ? -errno : 0;
}

static struct listing_entry *add_entry(struct listing_entries *entries) {
    if (entries->count == entries->space) {
        size_t space = entries->space ? 2 * entries->space : ENTRIES_LEAST;
        struct listing_entry *at = realloc(entries->at, space * sizeof *at);
        if (!at)
            return NULL;
        entries->at = at;
        entries->space = space;
    }
    return &entries->at[entries->count++];
}

static int gather_name(struct gathering *gathering, const char *name) {
    struct listing_entries *entries = gathering->entries;
    struct stat st;
    if (is_hidden(gathering, name))
        return 0;
    int error = look(gathering, name, &st);
    if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
        return error;
    /* What vanished meanwhile, a link that leads nowhere, and what can't be looked at couldn't be served either. */
    if (error || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
        return 0;
    if (entries->count == gathering->entries_max) {
        entries->cut = true;
        return 0;
    }
    struct listing_entry *entry = add_entry(entries);
    if (!entry)
        return -ENOMEM;
    size_t len = strlen(name);
    *entry = (struct listing_entry){.name_at = entries->names.len,
                                    .name_len = (uint16_t)len,
                                    .folder = S_ISDIR(st.st_mode),
                                    .size = st.st_size,
                                    .mtime = st.st_mtim.tv_sec};
    text_put(&entries->names, name, len);
    return entries->names.failed ? -ENOMEM : 0;
}

/* readdir would allocate as much, and hide errors. */
static int gather_all(struct gathering *gathering, char *records) {
    const bool *cut = &gathering->entries->cut;
    int error = 0;
    if (lseek(gathering->folder_fd, 0, SEEK_SET) < 0)
        return -errno;
    while (!error && !*cut) {
        long len = calls_getdents(gathering->folder_fd, records, RECORDS_LEN);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len < 0 ? -errno : 0;
        for (long at = 0; at < len && !error && !*cut;) {
            uint16_t record_len;
            memcpy(&record_len, records + at + offsetof(struct dirent64, d_reclen), sizeof record_len);
            error = gather_name(gathering, records + at + offsetof(struct dirent64, d_name));
            at += record_len;
        }
    }
    return error;
}

int listing_gather(const struct listing *listing, int folder_fd, size_t entries_max, struct listing_entries *entries) {
    struct gathering gathering = {listing, folder_fd, entries_max, entries};
    char *records = malloc(RECORDS_LEN);
    *entries = (struct listing_entries){.count = 0};
    int error = records ? gather_all(&gathering, records) : -ENOMEM;
    free(records);
    return error ? error : sort_all(listing, entries);
}

int listing_make(const struct listing *listing, int folder_fd, struct listing_text *text) {
    struct listing_entries entries;
    int error = listing_gather(listing, folder_fd, LISTING_ENTRIES_MAX, &entries);
    if (!error)
        error = listing_render(listing, &entries, LISTING_LEN_MAX, text);
    listing_drop(&entries);
    return error;
}
