/* Experiments: how an honest client fares with a model while others misbehave. Here is what is said of each beforehand,
   and what the lab's page asks for and is told, in memory that is shared with the process that does it (server/lab_*):
   the workers may neither start a program nor connect to anything. */
#ifndef EXPERIMENTS_H
#define EXPERIMENTS_H

#include "base/slice.h"
#include "observe/events.h"
#include "site/text.h"

#include <sys/types.h>

/* How the honest client's requests fare. */
enum experiment_fate {
    FATE_ANSWERED, /* all of them, within its patience */
    FATE_LATE,     /* some wait so long that one sees it, whether or not it loses patience */
    FATE_HELD_UP,  /* some aren't answered within its patience */
    FATE_COUNT
};

extern const char *const experiment_fate_names[FATE_COUNT];

struct expectation {
    const char *models; /* one, or several with a space between; NULL: all that are left */
    enum experiment_fate fate;
    const char *words;
};

struct experiment {
    const char *name, *title, *what;
    struct expectation expected[8]; /* the last that is used is for those that are left */
};

/* Ends with a row without a name. */
extern const struct experiment experiment_list[];

/* NULL: there is none of that name. */
const struct experiment *experiment_find(struct slice name);

const struct expectation *experiment_expects(const struct experiment *experiment, const char *model);

/* What it was, and whether that is as expected. */
enum experiment_fate experiment_fate(unsigned unanswered, double worst_ms);
bool experiment_met(enum experiment_fate expected, enum experiment_fate fate);

enum { EXPERIMENTS_TEXT_MAX = 512 * 1024, EXPERIMENTS_ASK_MAX = 512, EXPERIMENTS_TOKEN_LEN = 32 };

/* One writer, who adds records; each a JSON value. */
struct experiments_told {
    _Atomic uint32_t run; /* number of the last one that has begun; 0: none has */
    _Atomic uint32_t running;
    _Atomic int32_t pid; /* of the server that is tried */
    _Atomic(const char *) model;
    _Atomic size_t len;
    char text[EXPERIMENTS_TEXT_MAX];
};

struct experiments {
    struct experiments_told *told;
    struct event_rings *rings; /* of the server that is tried, which has them in rings_fd */
    int rings_fd;
    int fd;                                /* to whoever does it */
    char token[EXPERIMENTS_TOKEN_LEN + 1]; /* who may ask has read it: no page of another origin can */
    char models[256];                      /* as a JSON array */
};

/* What is shared; whoever does it is yet to be started. NULL: no memory or no descriptors. */
struct experiments *experiments_open(void);
void experiments_close(struct experiments *experiments);

/* The rings of a server that is tried: in all processes alike. */
struct event_rings *experiments_rings_open(int fd);

/* Takes ?token=...&run=N&experiment=NAME&models=A,B: asked twice it is done once, as each run has its number.
   &experiment=stop ends what is running. False: the token is not ours. */
bool experiments_ask(const struct experiments *experiments, struct slice query);

/* The value of a field in a query; empty: there is none. */
struct slice experiments_field(struct slice query, const char *name);

/* For whoever does it: begins a run; adds a record, which is dropped when there is no room. */
void experiments_begin(struct experiments_told *told, uint32_t run);
void experiments_tell(struct experiments_told *told, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As JSON: what can be asked for, and with it the token; what was told of the last run. */
void experiments_list_put(const struct experiments *experiments, struct text *text);
void experiments_told_put(const struct experiments *experiments, struct text *text);

#endif
