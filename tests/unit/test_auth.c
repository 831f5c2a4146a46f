/* Basic authentication: what a file of users may hold, what Authorization may say, what is remembered and what is
   rationed. Hashes are made by the same crypt(3), when the test runs. */
#define _GNU_SOURCE
#include "site/auth.h"
#include "site/auth_shared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SHA512 "$6$rounds=1000$saltsalt"

enum { BURST = 20 };

static char *(*crypt_function)(const char *phrase, const char *setting);
static char folder[] = "/tmp/test_auth.XXXXXX", path[64], error[512];

/* What is open stays open to the end. */
static struct auth *kept[1024];
static size_t kept_count;

static struct auth *keep(struct auth *auth) {
    assert_true(kept_count < COUNT(kept));
    return kept[kept_count++] = auth;
}

/* The hash of a password, in memory that the next call uses too; NULL: crypt doesn't know the method. */
static const char *hash_of(const char *password, const char *setting) {
    const char *hash = crypt_function(password, setting);
    return hash && hash[0] != '*' ? hash : NULL;
}

static struct auth *open_file(struct auth_shared *shared, const char *format, va_list arguments) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    vfprintf(file, format, arguments);
    fclose(file);
    error[0] = '\0';
    return keep(auth_open(path, shared, error, sizeof error));
}

__attribute__((format(printf, 1, 2))) static struct auth *open_with(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    struct auth *auth = open_file(auth_shared_open(), format, arguments);
    va_end(arguments);
    return auth;
}

__attribute__((format(printf, 2, 3))) static struct auth *open_shared(struct auth_shared *shared, const char *format,
                                                                      ...) {
    va_list arguments;
    va_start(arguments, format);
    struct auth *auth = open_file(shared, format, arguments);
    va_end(arguments);
    return auth;
}

static void assert_wrong(const struct auth *auth, const char *what) {
    if (auth || !strstr(error, what) || strchr(error, '\n') || !strstr(error, path))
        fail_msg("\"%s\" doesn't name %s and \"%s\"", error, path, what);
}

static struct auth *open_one(void) {
    struct auth *auth = open_with("ann:%s\n", hash_of("secret", SHA512));
    if (!auth)
        fail_msg("%s", error);
    return auth;
}

static const char *encode(const char *bytes, size_t len) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static char text[4096];
    char *at = text;
    for (size_t i = 0; i < len; i += 3) {
        unsigned word = 0;
        for (size_t j = 0; j < 3; j++)
            word = word << 8 | (i + j < len ? (unsigned char)bytes[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            *at++ = i + j > len ? '=' : digits[word >> (18 - 6 * j) & 63];
    }
    *at = '\0';
    return text;
}

/* As a worker does, but in place. Each thread has checks of its own. */
static _Thread_local struct auth_load *checks;
static _Thread_local int loads; /* that there have been */
static uint64_t peer = 1;

static enum auth_verdict check_value(struct auth *auth, struct slice value, uint64_t now_ms) {
    struct auth_ask ask = {value, peer, now_ms, NULL};
    struct load *load = NULL;
    enum auth_verdict verdict = auth_check(auth, &checks, &ask, &load);
    if (verdict != AUTH_LOADING)
        return verdict;
    loads++;
    load->state = LOAD_UNDER_WAY;
    load->kind->work(load, LOAD_WAITS);
    load_done(load);
    ask.got = load;
    struct load *again = NULL;
    verdict = auth_check(auth, &checks, &ask, &again);
    if (verdict == AUTH_LOADING)
        load_put(again);
    load_put(load);
    return verdict;
}

static enum auth_verdict check_bytes(struct auth *auth, const char *bytes, size_t len, uint64_t now_ms) {
    char value[4200];
    snprintf(value, sizeof value, "Basic %s", encode(bytes, len));
    return check_value(auth, slice_of(value), now_ms);
}

static enum auth_verdict check(struct auth *auth, const char *credentials, uint64_t now_ms) {
    return check_bytes(auth, credentials, strlen(credentials), now_ms);
}

/* All that one address may try for ann. */
static void use_up_with(struct auth *auth, const char *guess, uint64_t now_ms) {
    for (int i = 0; check(auth, guess, now_ms) != AUTH_LATER; i++)
        assert_true(i < BURST);
}

static void use_up(struct auth *auth, uint64_t now_ms) {
    use_up_with(auth, "ann:guess", now_ms);
}

static void test_methods(void **state) {
    static const char *const settings[] = {
        "$6$saltsalt",
        "$6$rounds=1000$saltsalt",
        "$5$saltsalt",
        "$5$rounds=1000$s",
        "$1$saltsalt",
        "$y$j75$F5Jx5fExrKuPp53xLKQ..1",
        "$2b$04$abcdefghijklmnopqrstuu",
        "ab",
        "$gy$j75$F5Jx5fExrKuPp53xLKQ..1",
        "$6$",
        "$7$CU..../....salt",
        "$2y$04$......................",
        "$2a$04$abcdefghijklmnopqrstuu",
    };
    int known = 0;
    (void)state;
    for (size_t i = 0; i < COUNT(settings); i++) {
        const char *hash = hash_of("Secr:t \xc3\xa9", settings[i]);
        if (!hash) {
            print_message("crypt(3) has no %s here\n", settings[i]);
            continue;
        }
        struct auth *auth = open_with("ann:%s\n", hash);
        if (!auth)
            fail_msg("%s: %s", settings[i], error);
        assert_int_equal(check(auth, "ann:Secr:t \xc3\xa9", 0), AUTH_GRANTED);
        assert_int_equal(check(auth, "bob:Secr:t \xc3\xa9", 0), AUTH_DENIED);
        assert_int_equal(check(auth, "ann:secr:t \xc3\xa9", 5000), AUTH_DENIED);
        known++;
    }
    assert_true(known > 0);
}

static void test_file(void **state) {
    char one[256], other[256], empty[256];
    (void)state;
    snprintf(one, sizeof one, "%s", hash_of("one", SHA512));
    snprintf(other, sizeof other, "%s", hash_of("other", "$6$rounds=1000$tlastlas"));
    snprintf(empty, sizeof empty, "%s", hash_of("", SHA512));
    struct auth *auth = open_with(
        "\xef\xbb\xbf# who may read\n\n  \t\n#x:y\nann:%s\r\nbob b:%s:Bob, of accounts\n\neve:%s", one, other, empty);
    if (!auth)
        fail_msg("%s", error);
    assert_int_equal(check(auth, "ann:one", 0), AUTH_GRANTED);
    assert_int_equal(check(auth, "bob b:other", 0), AUTH_GRANTED);
    assert_int_equal(check(auth, "eve:", 0), AUTH_GRANTED);
    static const char *const denied[] = {"ann:other", "bob b:one", "bob:other", "ann:",    "Ann:one", "ann:on",
                                         "ann:onee",  "#x:y",      ":one",      "ann:One", "eve:one"};
    for (size_t i = 0; i < COUNT(denied); i++)
        assert_int_equal(check(auth, denied[i], 0), AUTH_DENIED);
}

static void test_bad_files(void **state) {
    const char *hash = hash_of("secret", SHA512);
    (void)state;
    assert_wrong(open_with("%s", ""), "holds no user");
    assert_wrong(open_with("# nobody\n\n"), "holds no user");
    assert_wrong(open_with("ann:%s\nbob\n", hash), "line 2: not user:hash");
    assert_wrong(open_with(":%s\n", hash), "line 1: not user:hash");
    assert_wrong(open_with("ann:\n"), "line 1: not user:hash");
    assert_wrong(open_with("\n\nann:$apr1$salt$wpvDQ/6DBgbUvQcGNQVbd/\n"), "line 3: ");
    assert_wrong(open_with("ann:$apr1$salt$wpvDQ/6DBgbUvQcGNQVbd/\n"), "mkpasswd or htpasswd -B");
    assert_wrong(open_with("ann:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n"), "mkpasswd or htpasswd -B");
    assert_wrong(open_with("ann:secret\n"), "line 1: not a hash");
    assert_wrong(open_with("ann:$99$salt$abc\n"), "mkpasswd");
    assert_wrong(open_with("ann:%.*s\n", (int)strlen(hash) - 1, hash), "not a hash");
    assert_wrong(open_with("ann: %s\n", hash), "not a hash");
    assert_wrong(open_with("ann:%s\nbob:%s\nann:%s\n", hash, hash, hash), "line 3: this user has had a line before");
    assert_wrong(open_with("a\001n:%s\n", hash), "line 1: a control character");
    assert_wrong(open_with("ann:%s\n%c\n", hash, 0), "holds a NUL");
    assert_wrong(open_with("%*s\n", 1 << 20, "#"), "over 1 MiB");
    assert_null(auth_open("/nowhere/users", auth_shared_open(), error, sizeof error));
    assert_string_equal(error, "/nowhere/users: No such file or directory");
    assert_null(auth_open(folder, auth_shared_open(), error, sizeof error));
    assert_non_null(strstr(error, folder));
}

static void test_authorization(void **state) {
    static const struct {
        const char *value;
        enum auth_verdict verdict;
    } rows[] = {
        {"Basic YW5uOnNlY3JldA==", AUTH_GRANTED},
        {"basic YW5uOnNlY3JldA==", AUTH_GRANTED},
        {"BASIC   YW5uOnNlY3JldA==", AUTH_GRANTED},
        {" Basic YW5uOnNlY3JldA==\t", AUTH_GRANTED},
        {"", AUTH_DENIED},
        {"Basic", AUTH_DENIED},
        {"Basic ", AUTH_DENIED},
        {"Basic =", AUTH_DENIED},
        {"Basic ====", AUTH_DENIED},
        {"Basic ==", AUTH_DENIED},
        {"BasicYW5uOnNlY3JldA==", AUTH_DENIED},
        {"Bearer YW5uOnNlY3JldA==", AUTH_DENIED},
        {"Digest username=\"ann\"", AUTH_DENIED},
        {"Basic YW5uOnNlY3JldA", AUTH_DENIED},      /* no padding */
        {"Basic YW5uOnNlY3JldA=", AUTH_DENIED},     /* too little */
        {"Basic YW5uOnNlY3JldA===", AUTH_DENIED},   /* too much */
        {"Basic YW5uOnNlY3JldB==", AUTH_DENIED},    /* bits left over */
        {"Basic YW5u OnNlY3JldA==", AUTH_DENIED},   /* a space within */
        {"Basic YW5uOnNl=3JldA==", AUTH_DENIED},    /* padding within */
        {"Basic YW5uOnNlY3JldA==, x", AUTH_DENIED}, /* something behind */
        {"Basic YW5uOnNlY3Jl-_==", AUTH_DENIED},    /* the other alphabet */
        {"Basic YW5uc2VjcmV0", AUTH_DENIED},        /* no colon */
        {"Basic \xff\xff\xff\xff", AUTH_DENIED},
    };
    static const struct {
        const char *bytes;
        size_t len;
    } controls[] = {{"ann:secret\0", 11}, {"ann:secret\0x", 12}, {"ann\0:secret", 11}, {"ann:secret\n", 11}};
    struct auth *auth = open_one();
    char longer[1500];
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        if (check_value(auth, slice_of(rows[i].value), 0) != rows[i].verdict)
            fail_msg("\"%s\" isn't judged %d", rows[i].value, rows[i].verdict);
    for (size_t i = 0; i < COUNT(controls); i++)
        assert_int_equal(check_bytes(auth, controls[i].bytes, controls[i].len, 0), AUTH_DENIED);
    assert_int_equal(check_value(auth, (struct slice){NULL, 0}, 0), AUTH_DENIED);
    for (size_t len = 500; len < sizeof longer; len++) { /* crypt refuses the first, auth the rest */
        memset(longer, 'a', len);
        memcpy(longer, "ann:", 4);
        enum auth_verdict verdict = check_bytes(auth, longer, len, len * 1000);
        assert_int_equal(verdict, AUTH_DENIED);
    }
}

/* What is malformed costs nothing; a guess costs, whether the user is known or not; what was right is free. */
static void test_ration(void **state) {
    struct auth *auth = open_one();
    int hashed = 0;
    (void)state;
    for (int i = 0; i < 100; i++)
        assert_int_equal(check(auth, "no colon", 7), AUTH_DENIED);
    assert_int_equal(check(auth, "ann:secret", 7), AUTH_GRANTED);
    while (check(auth, "ann:guess", 7) == AUTH_DENIED)
        hashed++;
    assert_int_equal(hashed, BURST);
    for (hashed = 0; check(auth, "bob:guess", 7) == AUTH_DENIED;)
        hashed++;
    assert_int_equal(hashed, BURST);
    assert_int_equal(check(auth, "ann:guess", 7), AUTH_LATER);
    assert_int_equal(check(auth, "bob:guess", 7), AUTH_LATER);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(check(auth, "ann:secret", 7), AUTH_GRANTED);

    for (hashed = 0; check(auth, "ann:guess", 1007) == AUTH_DENIED;)
        hashed++;
    assert_in_range(hashed, 1, BURST);
    for (hashed = 0; check(auth, "ann:guess", 10000000) == AUTH_DENIED;)
        hashed++;
    assert_int_equal(hashed, BURST);                                 /* what wasn't used isn't saved beyond that */
    assert_int_equal(check(auth, "ann:guess", 9999000), AUTH_LATER); /* a clock of another worker, late by a second */
}

/* However often one address guesses, at one user or at many: another is let in, by whatever name; and so is another
   user from the same address as who guesses at one. */
static void test_others_are_let_in(void **state) {
    struct auth *auth = open_with("ann:%s\nbob:%s\n", hash_of("secret", SHA512), hash_of("secret", SHA512));
    char credentials[64];
    int hashed = 0;
    (void)state;
    for (uint64_t now_ms = 0; now_ms < 4000; now_ms += 22)
        check(auth, "ann:guess", now_ms);
    use_up(auth, 4000);
    assert_int_equal(check(auth, "ann:secret", 4000), AUTH_LATER);
    assert_int_equal(check(auth, "bob:secret", 4000), AUTH_GRANTED);
    do
        snprintf(credentials, sizeof credentials, "user%d:guess", hashed);
    while (check(auth, credentials, 4000) == AUTH_DENIED && ++hashed < 100000);
    assert_in_range(hashed, BURST, 2000); /* what is beyond a quarter of a processor, and a second */
    peer = 2;
    assert_int_equal(check(auth, "ann:secret", 4000), AUTH_GRANTED);
    peer = 1;
}

/* From many addresses at once, each of which tries once: bounded in all, and those who are known aren't touched. */
static void test_many_addresses(void **state) {
    struct auth *auth = open_one();
    int hashed = 0;
    (void)state;
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    for (peer = 10; check(auth, "ann:guess", 0) == AUTH_DENIED && hashed < 100000; peer++)
        hashed++;
    assert_in_range(hashed, BURST, 2000);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    assert_int_equal(check(auth, "bob:guess", 0), AUTH_DENIED); /* the rest has a lane that ann's can't fill */
    peer = 1;
}

/* The same credentials are checked once; what is never begun costs nothing. */
static void test_shared_load(void **state) {
    struct auth *auth = open_one();
    struct auth_ask ask = {slice_of("Basic YW5uOnNlY3JldA=="), 1, 0, NULL};
    struct load *first, *second;
    (void)state;
    for (int i = 0; i < 10 * BURST; i++) {
        assert_int_equal(auth_check(auth, &checks, &ask, &first), AUTH_LOADING);
        assert_int_equal(auth_check(auth, &checks, &ask, &second), AUTH_LOADING);
        assert_ptr_equal(first, second);
        assert_false(first->kind->work(first, LOAD_AT_HAND));
        load_put(first);
        load_put(second);
        assert_null(checks);
    }
    assert_int_equal(auth_check(auth, &checks, &ask, &first), AUTH_LOADING);
    first->kind->work(first, LOAD_WAITS);
    load_done(first);
    assert_null(checks);
    load_put(first);
    loads = 0;
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    assert_int_equal(loads, 0);
}

static void test_right_password_waits_too(void **state) {
    struct auth *auth = open_one();
    (void)state;
    use_up(auth, 0);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_LATER);
    assert_int_equal(check(auth, "ann:secret", 60000), AUTH_GRANTED);
    use_up(auth, 60000);
    assert_int_equal(check(auth, "ann:secret", 60000), AUTH_GRANTED);
}

/* As forked clients do. */
static void test_children(void **state) {
    struct auth *auth = open_one();
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool granted = check(auth, "ann:secret", 0) == AUTH_GRANTED;
        for (int i = 0; i < BURST && check(auth, "bob:guess", 0) != AUTH_LATER; i++)
            ;
        _exit(granted ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(check(auth, "bob:guess", 0), AUTH_LATER);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
}

/* More users than are remembered: the latest still are. */
static void test_many_users(void **state) {
    enum { USERS = 1500 };
    FILE *file = fopen(path, "w");
    char credentials[64];
    const char *hash = hash_of("secret", "$1$salt");
    (void)state;
    if (!hash)
        skip();
    assert_non_null(file);
    for (int i = 0; i < USERS; i++)
        fprintf(file, "user%d:%s\n", i, hash);
    fclose(file);
    struct auth *auth = keep(auth_open(path, auth_shared_open(), error, sizeof error));
    assert_non_null(auth);
    for (int i = 0; i < USERS; i++) {
        snprintf(credentials, sizeof credentials, "user%d:secret", i);
        assert_int_equal(check(auth, credentials, (uint64_t)i * 5000), AUTH_GRANTED);
    }
    use_up(auth, USERS * 5000);
    snprintf(credentials, sizeof credentials, "user%d:secret", USERS - 1);
    assert_int_equal(check(auth, credentials, USERS * 5000), AUTH_GRANTED);
}

/* The users are read again: who has been right still is by the same line alone, without another check; and nobody has
   a fresh ration. */
static void test_read_again(void **state) {
    struct auth_shared *shared = auth_shared_open();
    char ann[256], other[256];
    (void)state;
    snprintf(ann, sizeof ann, "%s", hash_of("secret", SHA512));
    snprintf(other, sizeof other, "%s", hash_of("secret", SHA512 "2"));
    struct auth *auth = open_shared(shared, "ann:%s\nbob:%s\n", ann, ann);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    assert_int_equal(check(auth, "bob:secret", 0), AUTH_GRANTED);
    use_up(auth, 0);
    use_up_with(auth, "bob:guess", 0);
    auth = open_shared(shared, "bob:%s\nann:%s\n", other, ann);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    assert_int_equal(check(auth, "bob:secret", 0), AUTH_LATER);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_GRANTED);
    auth = open_shared(shared, "bob:%s\n", ann);
    assert_int_equal(check(auth, "ann:secret", 0), AUTH_LATER);
    assert_int_equal(check(auth, "bob:secret", 0), AUTH_GRANTED);
}

static void *check_often(void *argument) {
    struct auth *auth = argument;
    char value[64];
    intptr_t wrong = 0;
    for (uint64_t i = 0; i < 300; i++) {
        bool right = i % 3 != 0;
        snprintf(value, sizeof value, "Basic %s", right ? "YW5uOnNlY3JldA==" : "YW5uOmd1ZXNz");
        enum auth_verdict verdict = check_value(auth, slice_of(value), i * 1000);
        wrong += verdict != AUTH_LATER && (verdict == AUTH_GRANTED) != right;
    }
    return (void *)wrong;
}

static void test_threads(void **state) {
    struct auth *auth = open_one();
    pthread_t threads[8];
    pthread_attr_t attributes;
    (void)state;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 128 * 1024); /* crypt must not need more than a client's thread has */
    for (size_t i = 0; i < COUNT(threads); i++)
        assert_int_equal(pthread_create(&threads[i], &attributes, check_often, auth), 0);
    for (size_t i = 0; i < COUNT(threads); i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    pthread_attr_destroy(&attributes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_authorization),
        cmocka_unit_test(test_ration),
        cmocka_unit_test(test_right_password_waits_too),
        cmocka_unit_test(test_others_are_let_in),
        cmocka_unit_test(test_many_addresses),
        cmocka_unit_test(test_shared_load),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_many_users),
        cmocka_unit_test(test_read_again),
        cmocka_unit_test(test_threads),
    };
    void *library = dlopen("libcrypt.so.1", RTLD_NOW);
    if (!library)
        library = dlopen("libcrypt.so.2", RTLD_NOW);
    void *found = dlsym(library ? library : RTLD_DEFAULT, "crypt");
    memcpy(&crypt_function, &found, sizeof found);
    if (!found) {
        printf("no crypt(3) here\n");
        return 0;
    }
    if (!mkdtemp(folder))
        return 1;
    snprintf(path, sizeof path, "%s/users", folder);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(folder);
    return failures;
}
