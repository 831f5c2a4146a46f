/* UTF-8, a character at a time. */
#ifndef UTF8_H
#define UTF8_H

#include "base/slice.h"

#include <stdint.h>

enum { UTF8_REPLACED = 0xFFFD }; /* stands for what can't be shown */

/* The length of the character that `s` (not empty) begins with, and its code point; an ill-formed byte is one
   UTF8_REPLACED of length 1. */
size_t utf8_next(struct slice s, uint32_t *code);

/* The length of the byte order mark that `s` begins with, as some editors have it; 0: with none. */
size_t utf8_mark_len(struct slice s);

#endif
