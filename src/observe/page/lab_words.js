// What one sees, in words. A key names a line of source, by which the build finds it (lab.sources).

export const SOURCES = @SOURCES@;

export const ZONES = ['served', 'read', 'write', 'load', 'turn'];
export const TITLES = {served: 'Being served', load: 'Parked until it is loaded', turn: 'In line for its turn'};
export const MODELS = {
  'blocking': {
    read: ['in poll, alone, and all others wait', 'blocking', 'The whole server waits for this one client. Whoever comes meanwhile, this page too, waits in the kernel’s queue at the door and isn’t even seen: so one slow client stops all.'],
    write: ['in poll, alone, and all others wait', 'blocking', 'Its socket is full: it reads slowly. The server waits for it, and serves nobody else.'],
  },
  'fork': {
    read: ['each in poll, in a process of its own', 'fork', 'Its own process sleeps in poll(2) until it sends. The others have processes of their own, and don’t notice. It costs memory, and a fork when it came.'],
    write: ['each in poll, in a process of its own', 'fork', 'It reads slowly, and its own process sleeps until there is room. Nobody else waits for it.'],
  },
  'thread': {
    read: ['each in recv, in a thread of its own', 'thread', 'Its own thread is blocked in recv(2) and costs no processor time, only its stack. The others have threads of their own.'],
    write: ['each in poll, in a thread of its own', 'thread', 'It reads slowly, and its own thread sleeps until there is room.'],
  },
  'nonblocking': {
    read: ['tried in turn', 'nonblocking', 'It waits nowhere. Every socket is tried in turn, mostly to hear EAGAIN; when a whole sweep moved nothing, the sweeper naps. Watch how many recv calls bring nothing.'],
    write: ['tried in turn', 'nonblocking', 'Each sweep tries to send more, and hears EAGAIN while its socket is full.'],
  },
  'select': {
    read: ['in one select set', 'select', 'Its bit is set in the map that select(2) is given: the kernel looks at every bit up to the highest at each call, and so does the server afterwards. Above 1023 there is no bit.'],
    write: ['in one select set', 'select', 'It reads slowly: its bit is in the map of those that wait for room.'],
  },
  'poll': {
    read: ['in one poll array', 'poll', 'It has a line in the array that is given to poll(2). The kernel reads the whole array at each call: a thousand idle clients are read each time that one sends.'],
    write: ['in one poll array', 'poll', 'It reads slowly: its line in the array asks for room to send.'],
  },
  'epoll-lt': {
    read: ['in the kernel’s epoll set', 'epoll-et', 'The kernel keeps it in a set, and epoll_wait names only those that can move: idle clients cost nothing at a wake-up. Level-triggered, it is named again as long as there is something to read.'],
    write: ['in the epoll set, told so', 'epoll-lt', 'It reads slowly: the set was told, by epoll_ctl, that it now waits for room.'],
  },
  'epoll-et': {
    read: ['in the kernel’s epoll set', 'epoll-et', 'The kernel keeps it in a set, registered once, for both directions. Edge-triggered, it is named when something has changed: so it is read until nothing is left, or what is left would be forgotten.'],
    write: ['in the epoll set', 'epoll-et', 'It reads slowly. When there is room the kernel names it, once; nothing had to be asked for.'],
  },
  'coroutine': {
    read: ['in the epoll set, without a stack', 'coroutine', 'What it would need of a stack is nothing, so its coroutine has gone on to somebody else. An idle client costs what it does under epoll.'],
    write: ['parked on its own stack', 'stack', 'The code that sends to it stands in the middle of a function, on a small stack of its own: when there is room, the scheduler switches back, and it goes on as if it had slept.'],
  },
  'uring': {
    read: ['a receive is in the ring', 'uring', 'The receive itself was handed to the kernel, and completes for each piece that comes: nobody asks whether the socket is ready.'],
    write: ['a send is in the ring', 'uring-send', 'The send itself was handed to the kernel; its completion says how much has left. Submitting and waiting are one system call.'],
  },
};
export const COMMON = {
  served: ['drive', 'The server is at work for it just now: it receives, answers or sends. In a loop, all others wait meanwhile; so what one may move in a turn is bounded.'],
  load: ['parked', 'What it asked for isn’t in memory. A loader, a thread that may wait for a disk, fetches it; the loop goes on with the others. Models with a thread or process for each client load in place.'],
  turn: ['line', 'It has had its share, and more to move. Clients with little to move go first: so a download doesn’t keep small requests waiting.'],
};
export const CALLS = {
  'accept4': ['accept', 'takes a client out of the kernel’s queue'],
  'recv': ['recv', 'takes what a client has sent; EAGAIN (-11): nothing was there'],
  'sendmsg': ['send', 'puts bytes in the socket’s queue'],
  'sendfile': ['sendfile', 'sends a piece of a file, by reference, or copied where the file changed of late'],
  'shutdown': ['close', 'says that nothing more follows'],
  'poll': ['poll', 'sleeps until one of an array of descriptors is ready'],
  'select': ['select', 'sleeps until one of a map of descriptors is ready'],
  'epoll_wait': ['epoll-et', 'sleeps until something in the kernel’s set is ready'],
  'io_uring_enter': ['uring', 'hands operations to the kernel and sleeps until one has completed'],
  'ppoll': ['nap', 'a nap: no socket moved in the last sweep'],
  'fork': ['forks', 'makes a process for a client'],
  'close': ['close', 'lets go of a descriptor'],
  'epoll_ctl': ['epoll-ctl', 'tells the kernel’s set what to look for'],
  'openat2': ['open', 'opens a file, nowhere but beneath the root'],
  'fstat': ['stat', 'asks how large a file is, and when it was changed'],
  'preadv2': ['read', 'reads a piece of a file; EAGAIN (-11): that would have meant to wait for the disk'],
  'getdents64': ['list', 'reads names of a folder, as many as fit'],
  'pthread_create': ['thread', 'makes a thread for a client'],
};
