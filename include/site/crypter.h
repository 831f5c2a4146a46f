/* crypt(3), found when somebody needs it. */
#ifndef CRYPTER_H
#define CRYPTER_H

#include <pthread.h>
#include <stdbool.h>

typedef char *crypt_function(const char *phrase, const char *setting);
typedef char *crypt_r_function(const char *phrase, const char *setting, void *data);

struct crypter {
    crypt_r_function *crypt_r; /* or, where there is none: */
    crypt_function *crypt;
    pthread_mutex_t lock; /* around crypt and its data */
};

enum crypter_result {
    CRYPTER_SAME,
    CRYPTER_DIFFERS,
    CRYPTER_REFUSES, /* what it takes for no hash, or for no password */
    CRYPTER_NO_MEMORY,
};

/* False: this system has none. */
bool crypter_open(struct crypter *crypter);

/* Whether the password's hash is `hash`, by the salt and method that this names: takes as long as they say. In any
   thread; several at once where there is crypt_r. */
enum crypter_result crypter_check(struct crypter *crypter, const char *password, const char *hash);

#endif
