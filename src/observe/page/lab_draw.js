// Draws where the player is: loops, the clients where they wait, what happened last; and explains what is chosen.

import {SOURCES, ZONES, TITLES, MODELS, COMMON, CALLS} from './lab_words.js';
import {player, isWait, slotOf} from './lab_play.js';

const SHOWN = 150;
export const byId = id => document.getElementById(id);
const told = () => player.recording.told;

export const short = ns => ns < 1e3 ? `${ns.toFixed(0)} ns` : ns < 1e6 ? `${(ns / 1e3).toFixed(1)} µs` :
  ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(1)} s`;
const bytes = n => n < 1e4 ? `${n} B` : n < 1e7 ? `${(n / 1e3).toFixed(0)} kB` : `${(n / 1e6).toFixed(0)} MB`;

export function element(name, className, text) {
  const made = document.createElement(name);
  if (className)
    made.className = className;
  if (text !== undefined)
    made.textContent = text;
  return made;
}

export const set = (node, text) => { if (node.textContent !== text) node.textContent = text; };

let chosen = null;

export function choose(kind, key) {
  chosen = kind ? {kind, key} : null;
  explain();
}

// One element for each key, kept as long as it is there, so that focus and selection stay.
export function keep(list, wanted, make, update) {
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
  set(button.firstChild, client.slot);
  set(button.lastChild, client.sent ? ` ${bytes(client.sent)}` : '');
  button.setAttribute('aria-label', `client ${client.slot}, ${titleOf(client.where)}, ${bytes(client.sent)} sent`);
  button.classList.toggle('chosen', chosen?.kind === 'client' && chosen.key === client.key);
}

function updateLoop(item, loop) {
  const button = item.firstChild, busy = !loop.call || !isWait(loop.call);
  button.classList.toggle('works', busy && player.played - loop.since < 1e9 && loop.calls > 0 && !loop.name.startsWith('loader') || loop.loads > 0);
  set(button.children[0], loop.name);
  set(button.children[1], loop.call ? `${loop.call} for ${short(Math.max(0, player.played - loop.since))}` :
    loop.lost ? 'too fast to be seen' : loop.name.startsWith('loader') ? 'nothing to load' : loop.calls ? 'between system calls' : 'nothing yet');
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
const titleOf = where => PREFIX[where] ? `${PREFIX[where]}: ${MODELS[told().model][where][0]}` : TITLES[where];

function drawZones() {
  const zones = byId('zones');
  if (zones.dataset.model !== told().model) {
    zones.replaceChildren();
    zones.dataset.model = told().model;
    for (const where of ZONES) {
      const zone = element('section', `zone ${where}`), heading = element('h3'), button = element('button', '', titleOf(where));
      const count = element('small');
      button.onclick = () => choose('zone', where);
      heading.append(button, ' ', count);
      zone.setAttribute('aria-label', titleOf(where));
      zone.append(heading, element('ul'));
      zones.append(zone);
    }
  }
  ZONES.forEach((where, i) => {
    const all = [...player.clients.values()].filter(client => client.where === where), zone = zones.children[i];
    keep(zone.querySelector('ul'), all.slice(0, SHOWN).map(client => [client.key, client]), makeClient, updateClient);
    set(zone.querySelector('small'), all.length > SHOWN ? `${all.length}, ${SHOWN} of them shown` : all.length ? String(all.length) : '');
  });
}

function words(e) {
  const call = told().calls[e.what], who = e.client >= 0 ? `client ${slotOf(e)}` : e.ring;
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
  case 'lost': return `${who}: ${e.value.toLocaleString('en')} events that came too fast to be seen`;
  case 'closed': return `${who} is gone: ${told().ends[e.what]}`;
  default: return e.kind;
  }
}

function drawLast() {
  const list = byId('last');
  while (list.children.length > player.lines.length)
    list.lastChild.remove();
  while (list.children.length < player.lines.length) {
    const item = element('li');
    item.append(element('span'), ' ', element('b'));
    list.append(item);
  }
  player.lines.forEach((e, i) => {
    const item = list.children[player.lines.length - 1 - i];
    set(item.firstChild, `${((e.at - player.since) / 1e6).toFixed(3)} ms`);
    set(item.lastChild, words(e));
  });
}

function explanation() {
  const model = MODELS[told().model];
  if (!chosen)
    return [['Clients are the round figures: they stand where the server has them wait. Above is what the loop does just now. Who is at the door, and not let in yet, is the kernel’s, and not seen here.'], 'accept'];
  const {kind, key} = chosen, client = player.clients.get(key), loop = player.loops.get(key);
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
  if (loop.lost)
    return [[`What ${loop.name} does came too fast to be seen here.`], 'drive'];
  if (!loop.call && loop.name.startsWith('loader'))
    return [[`${loop.name} sleeps until something is to be loaded, so that the loop needn’t wait for a disk.`], 'load'];
  if (!loop.call)
    return [[`${loop.name} is between two system calls: it reads requests, makes replies, or has nothing noted yet.`], 'drive'];
  if (loop.call === 'a load')
    return loop.name.startsWith('loader') || told().model === 'blocking' ? [[`${loop.name} fetches what isn’t at hand, and may wait for a disk as long as it takes.`], 'load'] :
      [[`${loop.name} takes what the kernel has in memory. What it would have to wait for is handed to a loader.`], 'parked'];
  const [source, text] = CALLS[loop.call];
  return [[`${loop.name} is in ${loop.call}: it ${text}.`, loop.who ? `For client ${loop.who}.` : ''], source];
}

function explain() {
  if (!player.recording?.told)
    return;
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

export function draw() {
  if (!player.recording?.told)
    return;
  keep(byId('loops'), [...player.loops.values()].sort((a, b) => a.name < b.name ? 1 : -1).map(loop => [loop.name, loop]), makeLoop, updateLoop);
  drawZones();
  drawLast();
  explain();
}
