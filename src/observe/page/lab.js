// Plays what the server noted. Events come in polls, each with its number in its ring: what is new is put in line by its
// time, and applied when the playback's clock has come to it; so slow motion, steps and pauses cost the server nothing.
'use strict';

const SOURCES = @SOURCES@;
const POLL_MS = 250, LAG_NS = 4e8, KEEP = 40000, SHOWN = 150, LINES = 14;
const byId = id => document.getElementById(id);

// ---- What one sees, in words. "key": a line of source.

const ZONES = ['served', 'read', 'write', 'load', 'turn'];
const TITLES = {served: 'Being served', load: 'Parked until it is loaded', turn: 'In line for its turn'};
const MODELS = {
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
const COMMON = {
  served: ['drive', 'The server is at work for it just now: it receives, answers or sends. In a loop, all others wait meanwhile; so what one may move in a turn is bounded.'],
  load: ['parked', 'What it asked for isn’t in memory. A loader, a thread that may wait for a disk, fetches it; the loop goes on with the others. Models with a thread or process for each client load in place.'],
  turn: ['line', 'It has had its share, and more to move. Clients with little to move go first: so a download doesn’t keep small requests waiting.'],
};
const CALLS = {
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
  'pthread_create': ['thread', 'makes a thread for a client'],
};

// ---- State

let told = null;          // the last answer, but its events
let queue = [], at = 0;   // events by time; the next to be applied
let played = 0;           // the playback's clock
let now = {server: 0, local: 0};
let paused = false, live = true, lost = 0, chosen = null, since = 0;
const seen = new Map(), clients = new Map(), loops = new Map(), lines = [];

const short = ns => ns < 1e3 ? `${ns.toFixed(0)} ns` : ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` :
  ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(1)} s`;
const bytes = n => n < 1e4 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(0)} MB`;
const isWait = call => ['poll', 'select', 'epoll_wait', 'io_uring_enter', 'ppoll'].includes(call);

function loopOf(name) {
  if (!loops.has(name))
    loops.set(name, {name, call: null, since: 0, last: '', calls: 0});
  return loops.get(name);
}

function clientOf(e) {
  const key = `${e.worker}:${e.client}`;
  if (!clients.has(key))
    clients.set(key, {key, slot: e.client, fd: e.fd, where: 'read', since: e.at, received: 0, sent: 0, replies: 0, call: null});
  return clients.get(key);
}

const WANTS = ['read', 'write', 'load', 'turn', 'served'];

function applyToClient(e) {
  if (e.kind === 'closed') {
    clients.delete(`${e.worker}:${e.client}`);
    return;
  }
  if (e.kind === 'accepted')
    clients.delete(`${e.worker}:${e.client}`); // its end wasn't seen
  const client = clientOf(e), goes = where => { client.where = where; client.since = e.at; };
  if (e.kind === 'accepted' || e.kind === 'call')
    client.fd = e.fd;
  if (e.kind === 'runs')
    goes('served');
  else if (e.kind === 'wants')
    goes(WANTS[e.what]);
  else if (e.kind === 'reply')
    client.replies++;
  else if ((e.kind === 'returned' || e.kind === 'completed') && e.value > 0)
    client[told.calls[e.what] === 'recv' ? 'received' : 'sent'] += isWait(told.calls[e.what]) ? 0 : e.value;
  if (e.kind === 'call')
    client.call = {name: told.calls[e.what], since: e.at};
  else if (e.kind === 'returned')
    client.call = null;
}

function apply(e) {
  const own = e.apart || e.ring.startsWith('child');
  if (e.client >= 0)
    applyToClient(e);
  if (!own) {
    const loop = loopOf(e.ring);
    if (e.kind === 'call' || e.kind === 'load') {
      loop.call = e.kind === 'load' ? 'a load' : told.calls[e.what];
      loop.since = e.at;
      loop.client = e.client;
      loop.calls++;
    } else if (e.kind === 'returned' || e.kind === 'loaded') {
      loop.call = null;
      loop.since = e.at;
    }
  }
  lines.push(e);
  if (lines.length > LINES)
    lines.shift();
}

// ---- Events from the server

function take(answer) {
  if (told && (answer.pid !== told.pid)) {
    queue = [];
    at = 0;
    for (const map of [seen, clients, loops])
      map.clear();
    since = 0;
  }
  const fresh = [];
  for (const [ring, number, time, worker, kind, what, client, fd, value, apart] of answer.events) {
    const before = seen.get(ring);
    if (before !== undefined && number <= before)
      continue;
    if (before !== undefined)
      lost += number - before - 1;
    seen.set(ring, number);
    fresh.push({ring, at: time, worker, kind: answer.kinds[kind], what, client, fd, value, apart: apart === 1});
  }
  delete answer.events;
  told = answer;
  now = {server: answer.now, local: performance.now()};
  since ||= answer.now;
  queue = queue.slice(at).concat(fresh);
  at = 0;
  queue.sort((a, b) => a.at - b.at);
  if (queue.length > KEEP) {
    lost += queue.length - KEEP;
    queue = queue.slice(-KEEP);
  }
  if (!loops.size)
    for (let i = 0; i < answer.workers; i++)
      loopOf(`worker ${i}`);
  byId('model').textContent = `${answer.version}, ${answer.model}, ${answer.workers} worker${answer.workers > 1 ? 's' : ''}`;
}

let askedAt = performance.now();
async function poll() {
  askedAt = performance.now();
  try {
    const answer = await fetch('events.json', {cache: 'no-store', signal: AbortSignal.timeout(60000)});
    take(await answer.json());
    state('live');
  } catch (error) {
    state('lost', 'the server is gone: trying again');
  }
  setTimeout(poll, POLL_MS);
}

function state(kind, text) {
  const shown = text || (lost ? `live; ${lost.toLocaleString('en')} events came too fast to be seen` : 'live');
  byId('state').className = kind;
  if (byId('state').textContent !== shown)
    byId('state').textContent = shown;
}

// ---- Drawing

function element(name, className, text) {
  const made = document.createElement(name);
  if (className)
    made.className = className;
  if (text !== undefined)
    made.textContent = text;
  return made;
}

const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };

function choose(kind, key) {
  chosen = {kind, key};
  explain();
}

// One element for each key, kept as long as it is there, so that focus and selection stay.
function keep(list, wanted, make, update) {
  const there = new Map([...list.children].map(node => [node.dataset.key, node]));
  for (const [key, item] of wanted) {
    let node = there.get(key);
    if (!node) {
      node = make(item);
      node.dataset.key = key;
      list.append(node);
    }
    there.delete(key);
    update(node, item);
  }
  for (const node of there.values())
    node.remove();
}

function makeClient(client) {
  const item = element('li'), button = element('button', 'client');
  button.append(element('span'), element('small'));
  button.onclick = () => choose('client', client.key);
  item.append(button);
  return item;
}

function updateClient(item, client) {
  const button = item.firstChild;
  set(button.firstChild, String(client.slot));
  set(button.lastChild, client.sent ? ` ${bytes(client.sent)}` : '');
  button.setAttribute('aria-label', `client ${client.slot}, ${titleOf(client.where)}, ${bytes(client.sent)} sent`);
  button.classList.toggle('chosen', chosen?.kind === 'client' && chosen.key === client.key);
}

function updateLoop(item, loop) {
  const button = item.firstChild, busy = !loop.call || !isWait(loop.call);
  button.classList.toggle('works', busy && played - loop.since < 1e9 && loop.calls > 0 && !loop.name.startsWith('loader') || loop.call === 'a load');
  set(button.children[0], loop.name);
  set(button.children[1], loop.call ? `${loop.call} for ${short(Math.max(0, played - loop.since))}` :
    loop.calls ? 'between system calls' : 'nothing yet');
  button.classList.toggle('chosen', chosen?.kind === 'loop' && chosen.key === loop.name);
}

function makeLoop(loop) {
  const item = element('li'), button = element('button', 'loop');
  button.append(element('b'), element('span'));
  button.onclick = () => choose('loop', loop.name);
  item.append(button);
  return item;
}

const PREFIX = {read: 'To receive from', write: 'To send to'};
const titleOf = where => PREFIX[where] ? `${PREFIX[where]}: ${MODELS[told.model][where][0]}` : TITLES[where];

function drawZones() {
  const zones = byId('zones');
  if (zones.dataset.model !== told.model) {
    zones.replaceChildren();
    zones.dataset.model = told.model;
    for (const where of ZONES) {
      const zone = element('section', `zone ${where}`), heading = element('h2'), button = element('button', '', titleOf(where));
      const count = element('small');
      button.onclick = () => choose('zone', where);
      heading.append(button, ' ', count);
      zone.setAttribute('aria-label', titleOf(where));
      zone.append(heading, element('ul'));
      zones.append(zone);
    }
  }
  ZONES.forEach((where, i) => {
    const all = [...clients.values()].filter(client => client.where === where), zone = zones.children[i];
    keep(zone.querySelector('ul'), all.slice(0, SHOWN).map(client => [client.key, client]), makeClient, updateClient);
    set(zone.querySelector('small'), all.length > SHOWN ? `${all.length}, ${SHOWN} of them shown` : all.length ? String(all.length) : '');
  });
}

function words(e) {
  const call = told.calls[e.what], who = e.client >= 0 ? `client ${e.client}` : e.ring;
  switch (e.kind) {
  case 'accepted': return `${who} is let in`;
  case 'call': return `${call} begins${e.client >= 0 ? `, for ${who}` : ''}`;
  case 'returned': return `${call}: ${e.value}${e.client >= 0 ? `, for ${who}` : ''}`;
  case 'submitted': return `${call} for ${who} is handed to the ring`;
  case 'completed': return `${call} for ${who} has completed: ${e.value}`;
  case 'runs': return `${who} is served`;
  case 'wants': return `${who} must wait: ${['to receive', 'to send', 'for a load', 'for its turn', 'for nothing: it goes'][e.what]}`;
  case 'reply': return `${who}: reply ${e.fd}, ${bytes(e.value)}`;
  case 'replied': return `${who}: the reply has left, ${bytes(e.value)}`;
  case 'load': return `${who}: something is loaded`;
  case 'loaded': return `${who}: it is there`;
  case 'closed': return `${who} is gone: ${told.ends[e.what]}`;
  default: return e.kind;
  }
}

function drawLast() {
  const list = byId('last');
  while (list.children.length < lines.length) {
    const item = element('li');
    item.append(element('span'), ' ', element('b'));
    list.append(item);
  }
  lines.forEach((e, i) => {
    const item = list.children[lines.length - 1 - i];
    set(item.firstChild, `${((e.at - since) / 1e6).toFixed(3)} ms`);
    set(item.lastChild, words(e));
  });
}

function explanation() {
  const model = MODELS[told.model];
  if (!chosen)
    return [['Clients are the round figures: they stand where the server has them wait. Above is what the loop does just now. Who is at the door, and not let in yet, is the kernel’s, and not seen here.'], 'accept'];
  const {kind, key} = chosen, client = clients.get(key), loop = loops.get(key);
  if (kind === 'client' && !client)
    return [['This client is gone.'], 'close'];
  const where = kind === 'client' ? client.where : key;
  if (kind !== 'loop') {
    const [, source, text] = model[where] || [0, ...COMMON[where]];
    const about = client ? [`Client ${client.slot}, descriptor ${client.fd}. ${titleOf(where)}. It sent ${bytes(client.received)}, got ${bytes(client.sent)}, ${client.replies} repl${client.replies === 1 ? 'y' : 'ies'}.`] : [];
    if (client?.call)
      about.push(`The system call made for it: ${client.call.name}.`);
    return [[...about, text], source];
  }
  if (!loop.call)
    return [[`${loop.name} is between two system calls: it reads requests, makes replies, or has nothing noted yet.`], 'drive'];
  if (loop.call === 'a load')
    return [[`${loop.name} fetches what isn’t in memory, and may wait for a disk as long as it takes.`], 'load'];
  const [source, text] = CALLS[loop.call];
  return [[`${loop.name} is in ${loop.call}: it ${text}.`, loop.client >= 0 ? `For client ${loop.client}.` : ''], source];
}

function explain() {
  const [texts, source] = explanation(), box = byId('why');
  const all = [...texts.filter(Boolean), `Source: ${SOURCES[source]}`];
  if (all.join('\n') === box.dataset.said)
    return;
  box.dataset.said = all.join('\n');
  box.replaceChildren(...all.map((text, i) => {
    const p = element('p', '', i < all.length - 1 ? text : 'Source: ');
    if (i === all.length - 1)
      p.append(element('code', '', SOURCES[source]));
    return p;
  }));
}

// ---- Time

function draw() {
  if (!told)
    return;
  keep(byId('loops'), [...loops.values()].sort((a, b) => a.name < b.name ? 1 : -1).map(loop => [loop.name, loop]), makeLoop, updateLoop);
  drawZones();
  drawLast();
  explain();
  set(byId('time'), `${((played - since) / 1e9).toFixed(played ? 6 : 0)} s${paused ? ', paused' : live ? '' : ', slowed'}`);
}

let frameAt = performance.now();
function frame(local) {
  const speed = Number(byId('speed').value), passed = Math.min(250, local - frameAt);
  frameAt = local;
  const serverNow = now.server + (local - now.local) * 1e6;
  const newest = Math.min(now.server, serverNow - LAG_NS); // what comes after is not known yet
  if (told && !paused) {
    played = live ? newest : Math.min(newest, played + passed * 1e6 * speed);
    while (at < queue.length && queue[at].at <= played)
      apply(queue[at++]);
  }
  if (local - askedAt > 1500)
    state('lost', `no answer for ${((local - askedAt) / 1000).toFixed(0)} s: the server is busy with somebody else, and this page waits at the door`);
  draw();
  requestAnimationFrame(frame);
}

function pause(on) {
  paused = on;
  byId('pause').textContent = on ? 'Go on' : 'Pause';
  if (on)
    live = false;
}

byId('pause').onclick = () => pause(!paused);
byId('step').onclick = () => {
  pause(true);
  if (at >= queue.length)
    return;
  played = queue[at].at;
  apply(queue[at++]);
  draw();
};
byId('speed').onchange = () => { live = byId('speed').value === '1' && !paused; };
byId('live').onclick = () => {
  byId('speed').value = '1';
  pause(false);
  live = true;
};
addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.tagName === 'SELECT')
    return;
  if (event.key === 'p')
    byId('pause').click();
  else if (event.key === 's')
    byId('step').click();
});
poll();
requestAnimationFrame(frame);
