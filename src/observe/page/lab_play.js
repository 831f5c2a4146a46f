// A recording is what one server noted: it grows with each answer. The player is where in it one is, and what the clients
// and loops were doing then; so slow motion, steps and pauses cost the server nothing.

const LINES = 14;
const WANTS = ['read', 'write', 'load', 'turn', 'served'];
export const isWait = call => ['poll', 'select', 'epoll_wait', 'io_uring_enter', 'ppoll'].includes(call);

export class Recording {
  constructor(title, keep) {
    Object.assign(this, {title, keep, told: null, events: [], dropped: 0, lost: 0, seen: new Map(), over: false, until: 0});
    this.now = {server: 0, local: 0};
  }

  // Events come in answers, each with its number in its ring: what is new is put in line by its time.
  take(answer) {
    const fresh = [];
    for (const [ring, number, at, worker, kind, what, client, fd, value, apart] of answer.events) {
      const before = this.seen.get(ring), lost = before ? number - before.number - 1 : 0;
      if (lost < 0)
        continue;
      this.lost += lost;
      if (lost)
        fresh.push({ring, at: before.at, worker, kind: 'lost', what: 0, client: -1, fd: -1, value: lost, apart: false});
      this.seen.set(ring, {number, at});
      fresh.push({ring, at, worker, kind: answer.kinds[kind], what, client, fd, value, apart: apart === 1});
    }
    const {events, ...told} = answer;
    this.told = told;
    this.now = {server: answer.now, local: performance.now()};
    this.events.push(...fresh.sort((a, b) => a.at - b.at));
    if (this.events.length > this.keep) {
      this.dropped += this.events.length - this.keep;
      this.events = this.events.slice(-this.keep);
    }
  }

  // A server that did nothing until its end noted nothing: that it waited so long is to be seen, too.
  get end() { return this.over ? Math.max(this.events.at(-1)?.at ?? 0, Math.min(this.until, this.now.server)) : this.now.server; }
}

export const player = {recording: null, next: 0, played: 0, since: 0, paused: false, live: true,
  clients: new Map(), loops: new Map(), lines: []};

// From its begin; or, of one that goes on, from now.
export function show(recording, fromBegin = recording.over) {
  Object.assign(player, {recording, paused: false, live: !fromBegin, since: 0, lines: [], next: fromBegin ? recording.dropped : 0});
  player.clients.clear();
  player.loops.clear();
  player.played = fromBegin ? (recording.events[0]?.at ?? 0) : 0;
}

function loopOf(name) {
  const {loops} = player;
  if (!loops.has(name))
    loops.set(name, {name, call: null, since: 0, calls: 0, loads: 0});
  return loops.get(name);
}

// Each worker has a client 0.
export const slotOf = e => player.recording.told.workers > 1 ? `${e.worker}.${e.client}` : String(e.client);

function clientOf(e) {
  const key = `${e.worker}:${e.client}`, {clients} = player;
  if (!clients.has(key))
    clients.set(key, {key, slot: slotOf(e), fd: e.fd, where: 'read', since: e.at, received: 0, sent: 0, replies: 0, call: null});
  return clients.get(key);
}

function applyToClient(e, told) {
  if (e.kind === 'closed' || e.kind === 'accepted') // or its end wasn't seen
    player.clients.delete(`${e.worker}:${e.client}`);
  if (e.kind === 'closed')
    return;
  const client = clientOf(e), goes = where => { client.where = where; client.since = e.at; }, call = told.calls[e.what];
  if (e.kind === 'accepted' || (e.kind === 'call' && e.fd >= 0))
    client.fd = e.fd;
  if (e.kind === 'runs')
    goes('served');
  else if (e.kind === 'wants')
    goes(WANTS[e.what]);
  else if (e.kind === 'reply')
    client.replies++;
  else if ((e.kind === 'returned' || e.kind === 'completed') && e.value > 0 && ['recv', 'sendmsg', 'sendfile'].includes(call))
    client[call === 'recv' ? 'received' : 'sent'] += e.value;
  if (e.kind === 'call')
    client.call = {name: call, since: e.at};
  else if (e.kind === 'returned')
    client.call = null;
}

function apply(e) {
  const {told} = player.recording, own = e.apart || e.ring.startsWith('child');
  if (e.client >= 0)
    applyToClient(e, told);
  if (e.kind === 'lost' && player.loops.has(e.ring))
    Object.assign(loopOf(e.ring), {call: null, loads: 0, since: e.at, lost: true});
  if (!own) {
    const loop = loopOf(e.ring);
    if (e.kind === 'load' || e.kind === 'loaded')
      loop.loads = e.kind === 'load' ? e.at : 0; // since when; its calls lie in it
    if (e.kind === 'call')
      Object.assign(loop, {call: told.calls[e.what], since: e.at, who: e.client >= 0 ? slotOf(e) : null, lost: false, calls: loop.calls + 1});
    else if (['load', 'loaded', 'returned'].includes(e.kind))
      Object.assign(loop, {call: loop.loads ? 'a load' : null, since: loop.loads || e.at, who: e.client >= 0 ? slotOf(e) : null, lost: false});
  }
  player.lines.push(e);
  if (player.lines.length > LINES)
    player.lines.shift();
}

function nextEvent() {
  const {recording} = player;
  player.next = Math.max(player.next, recording.dropped);
  return recording.events[player.next - recording.dropped];
}

export function step() {
  const e = nextEvent();
  if (!e)
    return;
  player.played = e.at;
  apply(e);
  player.next++;
}

// Plays on, after so many milliseconds here.
export function play(passed, speed, lag) {
  const {recording} = player;
  if (!recording?.told || player.paused)
    return;
  player.since ||= recording.over || !player.live ? (recording.events[0]?.at ?? recording.end) : recording.end;
  const server = recording.now.server + (performance.now() - recording.now.local) * 1e6;
  const newest = recording.over ? recording.end : Math.min(recording.now.server, server - lag); // later is not known yet
  player.played = player.live ? newest : Math.min(newest, player.played + passed * 1e6 * speed);
  if (!player.loops.size)
    for (let i = 0; i < recording.told.workers; i++)
      loopOf(`worker ${i}`);
  for (let e; (e = nextEvent()) && e.at <= player.played; player.next++)
    apply(e);
}
