/* A fast 64-bit hash of bytes: for tables (with a random seed, so that nobody can choose what collides) and for entity
   tags (with seed 0, so that it is the same on every node). Not for secrets. */
#ifndef HASH_H
#define HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed);

#endif
