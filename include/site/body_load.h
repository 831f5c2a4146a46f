/* Loads for the bodies of large files: bytes that aren't in memory, and the proof that a file which has been written to
   still begins with what was promised. */
#ifndef BODY_LOAD_H
#define BODY_LOAD_H

#include "base/load.h"
#include "base/outq.h"
#include "site/filecache.h"
#include "site/known.h"

enum { BODY_PROVEN_MAX = 16 * 1024 };

enum body_job {
    BODY_FETCH, /* bring the range into memory */
    BODY_READ,  /* read the range, of a file that loops don't touch */
    BODY_VOUCH, /* hash what was promised, while it stands, so that it can be proved */
    BODY_PROVE, /* read the range, and then prove that all up to it, too, still is what was promised */
};

struct body_load {
    struct load load;
    struct known *known;
    struct file *file; /* kept open for the load until it is done; NULL: whoever waits for it does that */
    struct outq_source source;
    uint64_t first; /* of the range that is needed */
    size_t len;
    enum body_job job;
    uint64_t promised; /* to be proved: the hash */
    bool same;    /* out: `bytes` were read, and of a proof are the promised version's, as all that was read before */
    char bytes[]; /* of a proof, or read: the range */
};

/* A load that does the job for a range, of which a load with bytes takes at most BODY_PROVEN_MAX. `file`: whose source
   it is, a reference is taken; NULL: the load is done before the caller lets go of it. NULL: no memory. */
struct body_load *body_load_open(struct known *known, struct file *file, const struct outq_source *source,
                                 enum body_job job, uint64_t first, size_t len);

extern const struct load_kind body_load_kind;
static inline bool body_load_is(const struct load *load) {
    return load && load->kind == &body_load_kind;
}

/* Whether a file may still be sent as the version that was promised. */
enum body_state {
    BODY_SAME,
    BODY_CHANGED,
    BODY_UNPROVEN, /* it has changed, perhaps only grown: a proof tells */
};
enum body_state body_look(const struct known *known, const struct outq_source *source);

#endif
