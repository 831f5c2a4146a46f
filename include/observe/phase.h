/* What open connections are doing, as they were when they began to wait. */
#ifndef PHASE_H
#define PHASE_H

enum phase {
    PHASE_IDLE,     /* nothing of the next request has come */
    PHASE_READING,  /* a part of it has */
    PHASE_LOADING,  /* what is asked for isn't at hand */
    PHASE_REPLYING, /* the client, or the network, is to take more */
    PHASE_IN_LINE,  /* it has much to take, and others have their turn */
    PHASE_LEAVING,  /* the last bytes have left */
    PHASE_COUNT
};

#endif
