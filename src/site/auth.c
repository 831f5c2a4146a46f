/* crypt(3) is slow so that guessing is; here it must not make the server slow. What was granted is remembered as a
   keyed hash, so a known client costs no crypt; and what has to be hashed is rationed, lest guesses take the processor.
   Both live in memory that forked children share: a child that ends takes nothing with it, and its client can't get a
   fresh ration by connecting again. */
#define _GNU_SOURCE
#include "site/auth.h"
#include "site/crypt_library.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

enum {
    FILE_LEN_MAX = 1 << 20,
    /* Decoded "user:password". Linux's crypt(3) takes no password of 512 bytes or more. */
    CREDENTIALS_MAX = 768,
    /* Remembered credentials; each may be in any of the ways of one set. */
    MARK_SETS = 128,
    MARK_WAYS = 4,
    /* Passwords hashed per second, and at once, while that is less than a quarter of a processor, and a second. */
    HASH_RATE = 20,
    HASH_BURST = 20,
    HASH_SHARE = 4,
};

struct user {
    struct slice name;
    const char *hash;
};

struct mark {
    uint64_t hash[2];
    bool used;
};

struct shared {
    pthread_mutex_t lock;
    uint64_t spent_to_ms; /* the ration has been taken up to this instant */
    struct mark marks[MARK_SETS][MARK_WAYS];
    uint8_t oldest[MARK_SETS];
};

struct auth {
    struct crypt_library library;
    void *crypt_data;
    pthread_mutex_t crypt_lock; /* around crypt and its data */
    uint64_t key[2];
    unsigned burst;       /* hashes at once */
    uint64_t interval_ms; /* and one more after each of these */
    struct shared *shared;
    struct user *users;
    size_t user_count;
    char text[]; /* the file */
};

/* SipHash-2-4 with 128 bits of result: what is remembered must not be found by making hashes collide, for which
   hash_bytes is too simple. */
static uint64_t rotate(uint64_t v, int count) {
    return v << count | v >> (64 - count);
}

static void sip_half(uint64_t v[4], int a, int b, int first, int c, int d, int second) {
    v[a] += v[b];
    v[b] = rotate(v[b], first) ^ v[a];
    v[a] = rotate(v[a], 32);
    v[c] += v[d];
    v[d] = rotate(v[d], second) ^ v[c];
}

static void sip_rounds(uint64_t v[4], int count) {
    while (count-- > 0) {
        sip_half(v, 0, 1, 13, 2, 3, 16);
        sip_half(v, 2, 1, 17, 0, 3, 21);
    }
}

static void keyed_hash(const uint64_t key[2], struct slice bytes, uint64_t hash[2]) {
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee, key[0] ^ 0x6c7967656e657261,
                     key[1] ^ 0x7465646279746573};
    size_t first = 0, left;
    for (bool last = false; !last; first += 8) {
        uint64_t word = 0;
        left = bytes.len - first;
        last = left < 8;
        for (size_t i = 0; i < (last ? left : 8); i++)
            word |= (uint64_t)(unsigned char)bytes.at[first + i] << 8 * i;
        if (last)
            word |= (uint64_t)bytes.len << 56;
        v[3] ^= word;
        sip_rounds(v, 2);
        v[0] ^= word;
    }
    for (int i = 0; i < 2; i++) {
        v[i ? 1 : 2] ^= i ? 0xdd : 0xee;
        sip_rounds(v, 4);
        hash[i] = v[0] ^ v[1] ^ v[2] ^ v[3];
    }
}

/* A child may be killed while it holds the lock; what it may have left behind is a mark that matches nothing. */
static void lock(struct shared *shared) {
    if (pthread_mutex_lock(&shared->lock) == EOWNERDEAD)
        pthread_mutex_consistent(&shared->lock);
}

static bool is_remembered(struct shared *shared, const uint64_t hash[2]) {
    const struct mark *set = shared->marks[hash[0] % MARK_SETS];
    bool found = false;
    lock(shared);
    for (int i = 0; i < MARK_WAYS; i++)
        found |= set[i].used && ((set[i].hash[0] ^ hash[0]) | (set[i].hash[1] ^ hash[1])) == 0;
    pthread_mutex_unlock(&shared->lock);
    return found;
}

static void remember(struct shared *shared, const uint64_t hash[2]) {
    size_t set = hash[0] % MARK_SETS;
    lock(shared);
    struct mark *mark = &shared->marks[set][shared->oldest[set]++ % MARK_WAYS];
    *mark = (struct mark){{hash[0], hash[1]}, true};
    pthread_mutex_unlock(&shared->lock);
}

/* Takes one hash out of the ration; false: there is none left. */
static bool take_ration(struct auth *auth, uint64_t now_ms) {
    struct shared *shared = auth->shared;
    lock(shared);
    if (shared->spent_to_ms < now_ms)
        shared->spent_to_ms = now_ms; /* what wasn't used is gone, but for the burst */
    bool left = shared->spent_to_ms + auth->interval_ms <= now_ms + auth->burst * auth->interval_ms;
    if (left)
        shared->spent_to_ms += auth->interval_ms;
    pthread_mutex_unlock(&shared->lock);
    return left;
}

/* What crypt makes of a password by the salt and method of `setting`: whether it is as long, and whether it is the
   same. False for what crypt refuses. */
static bool hash_fits(struct auth *auth, const char *password, const char *setting, bool *same) {
    pthread_mutex_lock(&auth->crypt_lock);
    const char *hash = auth->library.crypt_r ? auth->library.crypt_r(password, setting, auth->crypt_data)
                                             : auth->library.crypt(password, setting);
    size_t len = strlen(setting);
    bool fits = hash && hash[0] != '*' && strlen(hash) == len;
    unsigned char differing = !fits;
    for (size_t i = 0; fits && i < len; i++)
        differing |= (unsigned char)(hash[i] ^ setting[i]); /* no early end: the time must not tell how far it fits */
    pthread_mutex_unlock(&auth->crypt_lock);
    *same = differing == 0;
    return fits;
}

/* RFC 4648 4, padded, and with nothing but zeros in the bits left over. False for anything else. */
static bool decode(struct slice text, char *out, size_t size, size_t *len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t padding = slice_ends(text, SLICE("==")) ? 2 : slice_ends(text, SLICE("=")) ? 1 : 0;
    uint32_t bits = 0;
    int bit_count = 0;
    *len = 0;
    if (text.len == 0 || text.len % 4 != 0 || text.len / 4 * 3 > size)
        return false;
    for (size_t i = 0; i < text.len - padding; i++) {
        const char *digit = memchr(digits, text.at[i], sizeof digits - 1);
        if (!digit)
            return false;
        bits = bits << 6 | (uint32_t)(digit - digits);
        bit_count += 6;
        if (bit_count < 8)
            continue;
        bit_count -= 8;
        out[(*len)++] = (char)(bits >> bit_count);
        bits &= (1u << bit_count) - 1;
    }
    return bits == 0;
}

/* RFC 7617 2: no control characters. A NUL above all: crypt would take it for the password's end. */
static bool has_control(struct slice s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] < ' ' || s.at[i] == 0x7f)
            return true;
    return false;
}

/* Looks at every user, whoever it is. */
static const struct user *find_user(const struct auth *auth, struct slice name) {
    const struct user *found = NULL;
    for (size_t i = 0; i < auth->user_count; i++)
        if (slice_equal(auth->users[i].name, name))
            found = &auth->users[i];
    return found;
}

/* `credentials` is followed by a NUL. */
static enum auth_verdict judge(struct auth *auth, struct slice credentials, uint64_t now_ms) {
    uint64_t hash[2];
    bool same;
    const char *colon = memchr(credentials.at, ':', credentials.len);
    if (!colon || has_control(credentials))
        return AUTH_DENIED;
    keyed_hash(auth->key, credentials, hash);
    if (is_remembered(auth->shared, hash))
        return AUTH_GRANTED;
    if (!take_ration(auth, now_ms))
        return AUTH_LATER;
    struct slice name = {credentials.at, (size_t)(colon - credentials.at)};
    const struct user *user = find_user(auth, name);
    /* An unknown user takes as long as one of the known ones: for each name always the same. */
    keyed_hash(auth->key, name, hash);
    const struct user *hashed = user ? user : &auth->users[hash[0] % auth->user_count];
    if (!hash_fits(auth, colon + 1, hashed->hash, &same) || !same || !user)
        return AUTH_DENIED;
    keyed_hash(auth->key, credentials, hash);
    remember(auth->shared, hash);
    return AUTH_GRANTED;
}

enum auth_verdict auth_check(struct auth *auth, struct slice authorization, uint64_t now_ms) {
    static const struct slice scheme = {"Basic ", 6};
    char credentials[CREDENTIALS_MAX + 1];
    size_t len;
    authorization = slice_trim(authorization);
    if (authorization.len <= scheme.len || !slice_equal_nocase((struct slice){authorization.at, scheme.len}, scheme))
        return AUTH_DENIED;
    enum auth_verdict verdict = AUTH_DENIED;
    if (decode(slice_trim(slice_from(authorization, scheme.len)), credentials, CREDENTIALS_MAX, &len)) {
        credentials[len] = '\0';
        verdict = judge(auth, (struct slice){credentials, len}, now_ms);
    }
    explicit_bzero(credentials, sizeof credentials);
    return verdict;
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

/* What is wrong with the last user's hash; NULL: nothing. One of each method and length is tried, and timed. */
static const char *check_hash(struct auth *auth, double *slowest_ms) {
    const char *hash = auth->users[auth->user_count - 1].hash;
    bool same;
    if (strncmp(hash, "$apr1$", 6) == 0 || hash[0] == '{')
        return "this kind of hash is Apache's own: make one by mkpasswd or htpasswd -B";
    for (size_t i = 0; i + 1 < auth->user_count; i++) {
        const char *other = auth->users[i].hash;
        if (strlen(other) == strlen(hash) && method_len(other) == method_len(hash) &&
            strncmp(other, hash, method_len(hash)) == 0)
            return NULL;
    }
    double since_ms = cpu_ms();
    if (!hash_fits(auth, "x", hash, &same))
        return "not a hash that this system's crypt(3) knows: make one by mkpasswd -m sha512crypt or htpasswd -B";
    double took_ms = cpu_ms() - since_ms;
    *slowest_ms = took_ms > *slowest_ms ? took_ms : *slowest_ms;
    return NULL;
}

/* "user:hash", and behind another colon what it is for. Ends the hash by a NUL; returns what is wrong, NULL: nothing.
 */
static const char *read_line(struct auth *auth, char *line, double *slowest_ms) {
    line[strcspn(line, "\r\n")] = '\0';
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return NULL;
    char *colon = strchr(line, ':');
    if (!colon || colon == line || !colon[1])
        return "not user:hash";
    struct user user = {{line, (size_t)(colon - line)}, colon + 1};
    colon[1 + strcspn(colon + 1, ": \t")] = '\0';
    if (has_control(user.name))
        return "a control character in a user's name";
    if (find_user(auth, user.name))
        return "this user has had a line before";
    auth->users[auth->user_count++] = user;
    return check_hash(auth, slowest_ms);
}

static bool read_users(struct auth *auth, const char *path, char *error, size_t error_size) {
    double slowest_ms = 0;
    int number = 1;
    for (char *line = auth->text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        const char *wrong = read_line(auth, line, &slowest_ms);
        if (wrong) {
            snprintf(error, error_size, "%s, line %d: %s", path, number, wrong);
            return false;
        }
    }
    if (auth->user_count == 0)
        snprintf(error, error_size, "%s: holds no user (a line is user:hash, a hash made by mkpasswd)", path);
    unsigned cost_ms = (unsigned)slowest_ms + 1, burst = 1000 / cost_ms;
    auth->burst = burst > HASH_BURST ? HASH_BURST : burst < 2 ? 2 : burst;
    auth->interval_ms = HASH_SHARE * cost_ms > 1000 / HASH_RATE ? HASH_SHARE * cost_ms : 1000 / HASH_RATE;
    return auth->user_count > 0;
}

/* The whole file and a NUL behind it, in a struct auth. */
static struct auth *read_file(const char *path, char *error, size_t error_size) {
    struct auth *auth = calloc(1, sizeof *auth + FILE_LEN_MAX + 2);
    FILE *file = fopen(path, "re");
    size_t len = file && auth ? fread(auth->text, 1, FILE_LEN_MAX + 1, file) : 0;
    const char *wrong = NULL;
    if (!auth || !file || ferror(file))
        wrong = auth ? strerror(errno) : "no memory";
    else if (len > FILE_LEN_MAX || strlen(auth->text) != len)
        wrong = len > FILE_LEN_MAX ? "over 1 MiB" : "holds a NUL";
    if (file)
        fclose(file);
    if (!wrong)
        return auth;
    snprintf(error, error_size, "%s: %s", path, wrong);
    free(auth);
    return NULL;
}

static struct shared *open_shared(void) {
    pthread_mutexattr_t attributes;
    struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&shared->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return shared;
}

struct auth *auth_open(const char *path, char *error, size_t error_size) {
    struct auth *auth = read_file(path, error, error_size);
    if (!auth)
        return NULL;
    size_t lines = 1;
    for (const char *end = auth->text; (end = strchr(end, '\n')); end++)
        lines++;
    auth->users = calloc(lines, sizeof *auth->users);
    auth->crypt_data = calloc(1, CRYPT_DATA_LEN);
    auth->shared = open_shared();
    pthread_mutex_init(&auth->crypt_lock, NULL);
    if (!auth->users || !auth->crypt_data || !auth->shared ||
        getrandom(auth->key, sizeof auth->key, 0) != sizeof auth->key)
        snprintf(error, error_size, "%s: no memory", path);
    else if (!crypt_library_find(&auth->library))
        snprintf(error, error_size, "%s: this system has no crypt(3): install libcrypt.so (libcrypt1, libxcrypt)",
                 path);
    else if (read_users(auth, path, error, error_size))
        return auth;
    if (auth->shared)
        munmap(auth->shared, sizeof *auth->shared);
    free(auth->crypt_data);
    free(auth->users);
    free(auth);
    return NULL;
}
