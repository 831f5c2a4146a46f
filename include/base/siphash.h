/* SipHash-2-4 with 128 bits of result, for what must not be found by making hashes collide: hash_bytes is too simple
   for that. */
#ifndef SIPHASH_H
#define SIPHASH_H

#include "base/slice.h"

#include <stdint.h>

void siphash(const uint64_t key[2], struct slice bytes, uint64_t hash[2]);

#endif
