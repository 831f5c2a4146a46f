#define _GNU_SOURCE
#include "site/users.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FILE_LEN_MAX = 1 << 20 };

bool users_has_control(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if (ascii_is_control(s.at[i]))
            return true;
    return false;
}

const struct user *users_find(const struct users *users, struct slice name) {
    const struct user *found = NULL;
    for (size_t i = 0; i < users->count; i++)
        if (slice_equal(users->at[i].name, name))
            found = &users->at[i];
    return found;
}

/* How much of a hash names the method and its cost: what comes before salt and result. */
static size_t method_len(const char *hash) {
    size_t len = strlen(hash);
    if (strncmp(hash, "$2", 2) == 0) /* bcrypt: both in one */
        return len < 7 ? len : 7;
    for (int dollars = 0; len > 0 && dollars < 2; len--)
        dollars += hash[len - 1] == '$';
    return len;
}

static double cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* Whether one of the users before has a hash of the same method and length. */
static bool has_like(const struct users *users, size_t count, const char *hash) {
    for (size_t i = 0; i < count; i++) {
        const char *other = users->at[i].hash;
        if (strlen(other) == strlen(hash) && method_len(other) == method_len(hash) &&
            strncmp(other, hash, method_len(hash)) == 0)
            return true;
    }
    return false;
}

/* What is wrong with the hash; NULL: nothing, and *cost_ms is no less than what it takes. */
static const char *try_hash(const char *hash, struct crypter *crypter, unsigned *cost_ms) {
    if (strncmp(hash, "$apr1$", 6) == 0 || hash[0] == '{')
        return "this kind of hash is Apache's own: make one by mkpasswd or htpasswd -B";
    double since_ms = cpu_ms();
    enum crypter_result result = crypter_check(crypter, "x", hash);
    if (result == CRYPTER_NO_MEMORY)
        return "no memory";
    if (result == CRYPTER_REFUSES)
        return "not a hash that this system's crypt(3) knows: make one by mkpasswd or htpasswd -B";
    unsigned took_ms = (unsigned)(cpu_ms() - since_ms) + 1;
    *cost_ms = took_ms > *cost_ms ? took_ms : *cost_ms;
    return NULL;
}

static void say_wrong(char *error, size_t error_size, const char *path, int line, const char *wrong) {
    snprintf(error, error_size, "%s, line %d: %s", path, line, wrong);
}

unsigned users_try(const struct users *users, const char *path, struct crypter *crypter, char *error,
                   size_t error_size) {
    unsigned cost_ms = 0;
    for (size_t i = 0; i < users->count; i++) {
        const struct user *user = &users->at[i];
        const char *wrong = has_like(users, i, user->hash) ? NULL : try_hash(user->hash, crypter, &cost_ms);
        if (wrong) {
            say_wrong(error, error_size, path, user->line, wrong);
            return 0;
        }
    }
    return cost_ms;
}

/* "user:hash", and behind another colon a comment. Ends the hash by a NUL; returns what is wrong, NULL: nothing. */
static const char *read_line(struct users *users, char *line, int number) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return NULL;
    char *colon = strchr(line, ':');
    if (!colon || colon == line || !colon[1])
        return "not user:hash";
    struct user user = {{line, (size_t)(colon - line)}, colon + 1, number};
    colon[1 + strcspn(colon + 1, ": \t")] = '\0';
    if (users_has_control(user.name))
        return "a control character in a user's name";
    if (users_find(users, user.name))
        return "this user has had a line before";
    users->at[users->count++] = user;
    return NULL;
}

static bool read_lines(struct users *users, const char *path, char *error, size_t error_size) {
    int number = 1;
    for (char *line = users->text + utf8_mark_len(slice_of(users->text)), *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const char *wrong = read_line(users, line, number);
        if (wrong) {
            say_wrong(error, error_size, path, number, wrong);
            return false;
        }
    }
    if (users->count == 0)
        snprintf(error, error_size, "%s: holds no user (a line is user:hash, a hash made by mkpasswd)", path);
    return users->count > 0;
}

/* Reads the whole file, a NUL behind it, and makes room for a user a line. Returns what is wrong, NULL: nothing. */
static const char *read_text(struct users *users, const char *path) {
    users->text = calloc(1, FILE_LEN_MAX + 2);
    FILE *file = fopen(path, "re");
    size_t lines = 1, len = file && users->text ? fread(users->text, 1, FILE_LEN_MAX + 1, file) : 0;
    const char *wrong = NULL;
    if (!users->text || !file || ferror(file))
        wrong = users->text ? strerror(errno) : "no memory";
    else if (len > FILE_LEN_MAX || strlen(users->text) != len)
        wrong = len > FILE_LEN_MAX ? "over 1 MiB" : "holds a NUL";
    if (file)
        fclose(file);
    if (wrong)
        return wrong;
    for (const char *end = users->text; (end = strchr(end, '\n')); end++)
        lines++;
    users->at = calloc(lines, sizeof *users->at);
    return users->at ? NULL : "no memory";
}

bool users_read(struct users *users, const char *path, char *error, size_t error_size) {
    *users = (struct users){0};
    const char *wrong = read_text(users, path);
    if (wrong)
        snprintf(error, error_size, "%s: %s", path, wrong);
    if (!wrong && read_lines(users, path, error, error_size))
        return true;
    users_free(users);
    return false;
}

void users_free(struct users *users) {
    free(users->at);
    free(users->text);
    *users = (struct users){0};
}
