/* bytes - a growing byte string that may hold NUL, and printing of bytes nobody vouches for.
 *
 * Running out of memory ends the test program: a test has nothing better to do. */
#ifndef TEST_BYTES_H
#define TEST_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* All zero is the empty string. at[len] is always NUL once something was added. */
struct bytes {
    char *at;
    size_t len;
    size_t capacity;
};

void bytes_add(struct bytes *, const void *from, size_t len);
void bytes_addf(struct bytes *, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for len more bytes and returns where they go; bytes_grew says how many were written there. */
char *bytes_room(struct bytes *, size_t len);
void bytes_grew(struct bytes *, size_t len);

/* Forgets the first len bytes. */
void bytes_drop(struct bytes *, size_t len);
void bytes_free(struct bytes *);

bool bytes_equal(const struct bytes *, const struct bytes *);

/* Prints at most max bytes in C's escapes, on one line, and says so when there were more. */
void bytes_print(FILE *, const char *at, size_t len, size_t max);

#endif
