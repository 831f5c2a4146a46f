/* Which version of a file something belongs to: told by its size and the time of its last write, or by its content. */
#ifndef VERSION_H
#define VERSION_H

#include "base/outq.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

static inline uint64_t version_of(const struct stat *st) {
    return ((uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec) * 0x9e3779b97f4a7c15u ^
           (uint64_t)st->st_size;
}

/* A hash of the first `size` bytes of the file: of them all up to VERSION_WHOLE_MAX, which reads them all, of samples
   spread over them above. */
enum { VERSION_WHOLE_MAX = 16 << 20 };
uint64_t version_content(int fd, uint64_t size);

/* Whether a file may still be sent as the version that the head described: not when it has shrunk. `sure`, to be asked
   before the last bytes leave: nor when what was promised of it has been written anew; that it has grown is no harm. */
bool version_same(const struct outq_source *source, bool sure);

#endif
