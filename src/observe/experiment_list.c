#include "observe/experiments.h"

#include <string.h>

static const double LATE_MS = 50;

const char *const experiment_fate_names[] = {
    [FATE_ANSWERED] = "answered", [FATE_LATE] = "late", [FATE_HELD_UP] = "held up"};

const struct experiment experiment_list[] = {
    {"slow",
     "A slow client",
     "One client sends half a request and falls silent.",
     {{"blocking", FATE_HELD_UP,
       "The server is in poll for that one client, and answers nobody until it has given it up."},
      {"fork", FATE_ANSWERED,
       "A process of its own waits for it; the honest client gets another, at the price of a fork."},
      {"thread", FATE_ANSWERED, "A thread of its own waits for it; the honest client gets another."},
      {"nonblocking", FATE_ANSWERED, "It is tried again at every sweep, in vain. Nobody waits for it."},
      {"select poll", FATE_ANSWERED, "It is one more in what the kernel is given to look at. Nobody waits for it."},
      {"uring", FATE_ANSWERED, "A receive for it lies in the ring until it sends. Nobody waits for it."},
      {NULL, FATE_ANSWERED,
       "It is one more in the kernel's set, which names it once it sends. Until then it costs nothing."}}},
    {"idle",
     "A thousand idle clients",
     "1,000 clients are connected and ask nothing.",
     {{"blocking", FATE_HELD_UP,
       "The first of them has the server to itself. All others wait at the door, the honest one too."},
      {"fork", FATE_LATE,
       "A process for each, up to 512. To fork them takes longer than they take to come: the honest client stands "
       "behind them at the door. To keep them takes memory."},
      {"thread", FATE_ANSWERED,
       "A thread for each: a stack in memory, but no processor. The honest client waits while they are made, and is "
       "then answered as before."},
      {"nonblocking", FATE_LATE,
       "Every sweep tries all of them in vain, and lets in one to four: so it takes long until they are in, and the "
       "honest client behind them. System calls go up a hundredfold."},
      {"select poll", FATE_ANSWERED,
       "The kernel is given all of them at each call, and looks at each: latency and processor time grow with those "
       "that do nothing."},
      {"uring", FATE_ANSWERED, "A receive for each lies in the ring. Nobody looks at them: latency stays as it was."},
      {NULL, FATE_ANSWERED, "The kernel keeps them in its set. Nobody looks at them: latency stays as it was."}}},
    {"bulk",
     "A hundred downloads beside small requests",
     "100 clients download 64 MiB each, again and again.",
     {{"blocking", FATE_HELD_UP,
       "One download after the other. The small request waits behind all that came before it."},
      {"fork", FATE_ANSWERED,
       "A hundred processes are forked, and the honest client's after them. Then all want the processor: the kernel "
       "deals it out, and the small request gets its part."},
      {"thread", FATE_ANSWERED,
       "A hundred threads want the processor: the kernel deals it out, and the small request gets its part."},
      {NULL, FATE_ANSWERED,
       "A download that has had its share goes to the end of the line, and clients with little to move come first: "
       "the small request waits for one share, not for a hundred."}}},
    {"cold",
     "A cold disk",
     "8 clients ask for files that aren't in memory: each must come from the disk.",
     {{"blocking", FATE_ANSWERED,
       "All wait for each read of the disk, the honest client too: it takes as long as the reads that are asked for "
       "before."},
      {"fork", FATE_ANSWERED, "Who needs the disk waits for it in a process of his own."},
      {"thread", FATE_ANSWERED, "Who needs the disk waits for it in a thread of his own."},
      {NULL, FATE_ANSWERED, "A loader waits for the disk. The loop goes on with the others."}}},
    {"folder",
     "A folder with 100,000 entries",
     "One client lists a folder with 100,000 entries, which changes each time.",
     {{"blocking", FATE_LATE,
       "The listing is read, sorted and sent, and the honest client waits for all of it: a step in its line."},
      {"fork", FATE_ANSWERED,
       "The listing is made in a process of its own. It takes a processor from the others, not the turn."},
      {"thread", FATE_ANSWERED,
       "The listing is made in a thread of its own. It takes a processor from the others, not the turn."},
      {NULL, FATE_ANSWERED, "A loader makes the listing; the loop goes on, and sends it a share at a time."}}},
    {"flood",
     "A flood of connects",
     "One client after the other connects, asks nothing and resets.",
     {{"blocking", FATE_ANSWERED, "Each is in and out in a moment. The honest client waits its turn at the door."},
      {"fork", FATE_LATE,
       "A process for each, made for nothing. To fork takes longer than to connect: the queue at the door grows, "
       "and the honest client stands in it."},
      {"thread", FATE_ANSWERED,
       "A thread for each, made for nothing: that takes less than a process, and about as long as to connect. Where "
       "it takes longer, the queue at the door grows."},
      {NULL, FATE_ANSWERED, "Each takes a place in a table and leaves it: a handful of system calls."}}},
    {"stopped",
     "Clients that stop reading",
     "32 clients ask for 64 MiB and never read it.",
     {{"blocking", FATE_HELD_UP,
       "The server waits for the first of them to read, and answers nobody until it has given it up."},
      {"fork", FATE_ANSWERED,
       "32 processes are forked, and the honest client's after them. Then they sleep until there is room: they take "
       "memory, and no processor."},
      {"thread", FATE_ANSWERED, "32 threads sleep until there is room. They take memory, and no processor."},
      {"nonblocking", FATE_ANSWERED, "Every sweep tries to send to each of them, in vain."},
      {"coroutine", FATE_ANSWERED,
       "32 stacks are parked in the midst of sending. They cost their memory, and no processor."},
      {NULL, FATE_ANSWERED, "They cost their place, and no processor: the kernel says when there is room."}}},
    {.name = NULL},
};

const struct experiment *experiment_find(struct slice name) {
    for (const struct experiment *experiment = experiment_list; experiment->name; experiment++)
        if (slice_equal(name, slice_of(experiment->name)))
            return experiment;
    return NULL;
}

static bool names_model(const char *models, const char *model) {
    size_t len = strlen(model);
    for (const char *at = models; (at = strstr(at, model)); at += len)
        if ((at == models || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0'))
            return true;
    return false;
}

const struct expectation *experiment_expects(const struct experiment *experiment, const char *model) {
    const struct expectation *expected = experiment->expected;
    while (expected->models && !names_model(expected->models, model))
        expected++;
    return expected;
}

enum experiment_fate experiment_fate(unsigned unanswered, double worst_ms) {
    return unanswered > 0 ? FATE_HELD_UP : worst_ms >= LATE_MS ? FATE_LATE : FATE_ANSWERED;
}

/* A machine that is busy with something else makes answers late: that is held against no model. */
bool experiment_met(enum experiment_fate expected, enum experiment_fate fate) {
    return expected == FATE_LATE ? fate != FATE_ANSWERED : (expected == FATE_HELD_UP) == (fate == FATE_HELD_UP);
}
