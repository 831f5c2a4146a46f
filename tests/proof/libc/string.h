/* What is taken for granted: the C library's functions that the parsers call, on bytes, as the standard has them. */
#ifndef PROOF_STRING_H
#define PROOF_STRING_H

#include <stddef.h>

/*@ requires \valid_read(s + (0 .. n - 1));
    assigns \result \from s, indirect: s[0 .. n - 1], c, n;
    ensures \result == \null ==> \forall char *p; \base_addr(p) == \base_addr(s) && s <= p < s + n ==> *p != (char)c;
    ensures \result != \null ==> \base_addr(\result) == \base_addr(s) && s <= \result < s + n && *\result == (char)c &&
            \forall char *p; \base_addr(p) == \base_addr(s) && s <= p < \result ==> *p != (char)c; */
char *memchr(const char *s, int c, size_t n);

/*@ requires \valid_read(a + (0 .. n - 1)) && \valid_read(b + (0 .. n - 1));
    assigns \result \from indirect: a[0 .. n - 1], b[0 .. n - 1];
    ensures \result == 0 <==> \forall integer i; 0 <= i < n ==> a[i] == b[i]; */
int memcmp(const char *a, const char *b, size_t n);

/*@ axiomatic Strings {
      logic integer string_len{L}(char *s) reads s[0 ..];
      predicate valid_string{L}(char *s) = 0 <= string_len(s) <= 4096 && \valid_read(s + (0 .. string_len(s)));
    } */

/*@ requires valid_string(s);
    assigns \result \from indirect: s[0 ..];
    ensures \result == string_len(s); */
size_t strlen(const char *s);

#endif
