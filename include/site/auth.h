/* Basic authentication (RFC 7617) from a file of "user:hash" lines, hashes as crypt(3) makes them. */
#ifndef AUTH_H
#define AUTH_H

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct auth;

/* Reads the file. NULL, with one line in `error` that names the file, the line and what is wrong, when it can't be
   read, holds no user, holds a line or a hash that crypt(3) doesn't know, or the system has no crypt(3). It is never
   freed. */
struct auth *auth_open(const char *path, char *error, size_t error_size);

enum auth_verdict { AUTH_DENIED, AUTH_GRANTED, AUTH_LATER };

/* Judges an Authorization value. Hashing takes long by design, so what was granted is remembered, and what must be
   hashed is limited per second: beyond that AUTH_LATER (answer 503). May be called from any thread. */
enum auth_verdict auth_check(struct auth *auth, struct slice authorization, uint64_t now_ms);

#endif
