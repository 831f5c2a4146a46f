/* Checks passwords by crypt(3), in any thread. */
#ifndef CRYPTER_H
#define CRYPTER_H

#include "site/crypt_library.h"

#include <pthread.h>
#include <stdbool.h>

struct crypter {
    struct crypt_library library;
    pthread_mutex_t lock; /* around a crypt that isn't reentrant */
};

enum crypter_result {
    CRYPTER_SAME,
    CRYPTER_DIFFERS,
    CRYPTER_REFUSES, /* what it takes for no hash, or for no password */
    CRYPTER_NO_MEMORY,
};

/* False: this system has none. */
bool crypter_open(struct crypter *crypter);
void crypter_close(struct crypter *crypter);

/* Whether the password's hash is `hash`, by the salt and method that this names: takes as long as they say. In any
   thread; several at once where there is crypt_r. */
enum crypter_result crypter_check(struct crypter *crypter, const char *password, const char *hash);

#endif
