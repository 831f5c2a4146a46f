#define _GNU_SOURCE
#include "observe/counters.h"

#include <stdlib.h>
#include <sys/mman.h>

struct counters *counters_open(unsigned workers, unsigned children) {
    struct counters *counters = malloc(sizeof *counters);
    if (!counters)
        return NULL;
    size_t len = (size_t)workers * (1 + children) * sizeof(struct counter_slot);
    void *slots = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slots == MAP_FAILED) {
        free(counters);
        return NULL;
    }
    *counters = (struct counters){workers, children, slots, len};
    return counters;
}

void counters_close(struct counters *counters) {
    if (!counters)
        return;
    munmap(counters->slots, counters->slots_len);
    free(counters);
}
