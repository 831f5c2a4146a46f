// The page's clock: asks the server, plays what it answered, draws. What is watched is this server, or that of a trial.
'use strict';

import {byId, draw, element, set, choose} from './lab_draw.js';
import {Recording, player, show, play, step} from './lab_play.js';
import * as experiments from './lab_experiments.js';

const TRIAL_POLL_MS = 60; // what is tried notes more than an answer has in a longer time
const POLL_MS = 250, LAG_NS = 4e8, KEEP = 40000, LATE_MS = 1500, CALM_MS = 400;
const calm = matchMedia('(prefers-reduced-motion: reduce)');

let here = null, askedAt = performance.now(), watched = null;
let newest = null, follows = true; // the last trial's

function state(kind, text) {
  const {lost} = player.recording ?? {lost: 0};
  const shown = text || (lost ? `live; ${lost.toLocaleString('en')} events came too fast to be seen` : 'live');
  byId('state').className = kind;
  set(byId('state'), shown);
}

// ---- What is watched

const trials = () => (experiments.current()?.trials ?? []).filter(trial => trial.recording.told);

const watchedValue = () => watched === here ? 'here' : String(trials().findIndex(trial => trial.recording === watched));

function watch(recording, fromBegin = recording.over) {
  watched = recording;
  show(recording, fromBegin);
  choose(null);
  byId('watching').value = watchedValue();
  byId('again').disabled = recording === here;
}

function listWatched() {
  const list = byId('watching'), names = trials().map(trial => `${trial.model}, in the experiment`);
  const wanted = [here.told.model + ', this server', ...names];
  if ([...list.options].map(option => option.textContent).join() === wanted.join())
    return;
  list.replaceChildren(...wanted.map((name, i) => {
    const option = element('option', '', name);
    option.value = i ? String(i - 1) : 'here';
    return option;
  }));
  list.value = watchedValue();
}

// The server of a trial that has begun is what one wants to see, unless one has chosen something else meanwhile.
function runChanged() {
  const last = trials().at(-1)?.recording;
  if (!experiments.isRunning())
    follows = true;
  listWatched();
  if (last !== newest && last && follows)
    watch(last);
  else if (watched !== here && !trials().some(trial => trial.recording === watched))
    watch(here);
  newest = last;
}

// ---- The server

async function askHere() {
  const answer = await (await fetch('events.json', {cache: 'no-store', signal: AbortSignal.timeout(60000)})).json();
  const again = here?.told.pid === answer.pid;
  if (!again) {
    const before = here;
    if (before)
      await experiments.meet(answer.model);
    here = new Recording('here', KEEP);
    here.take(answer);
    listWatched();
    if (!before || watched === before)
      watch(here);
  } else {
    here.take(answer);
  }
  set(byId('model'), `${answer.version}, ${answer.model}, ${answer.workers} worker${answer.workers > 1 ? 's' : ''}`);
}

async function poll() {
  let busy = false;
  askedAt = performance.now();
  try {
    busy = await experiments.poll();
    if (!busy || watched === here)
      await askHere();
    state('live');
  } catch (error) {
    state('lost', 'the server is gone: trying again');
  }
  setTimeout(poll, busy ? TRIAL_POLL_MS : POLL_MS);
}

// ---- Time

function showTime() {
  const {played, since, paused, live, recording} = player;
  const ended = recording.over && played >= recording.end;
  const at = since ? Math.max(0, (played - since) / 1e9) : 0;
  set(byId('time'), `${at.toFixed(6)} s${paused ? ', paused' : ended ? ', the end' : live ? '' : ', slowed'}`);
}

let frameAt = performance.now();
function frame(local) {
  requestAnimationFrame(frame);
  if (calm.matches && local - frameAt < CALM_MS)
    return;
  const passed = Math.min(calm.matches ? 1000 : 250, local - frameAt);
  frameAt = local;
  play(passed, Number(byId('speed').value), LAG_NS);
  if (local - askedAt > LATE_MS)
    state('lost', 'no answer for over a second: the server is busy with somebody else, and this page waits at the door');
  draw();
  if (player.recording)
    showTime();
}

function pause(on) {
  player.paused = on;
  set(byId('pause'), on ? 'Go on' : 'Pause');
  if (on)
    player.live = false;
}

byId('pause').onclick = () => pause(!player.paused);
byId('step').onclick = () => {
  pause(true);
  step();
  draw();
  showTime();
};
byId('speed').onchange = () => { player.live = byId('speed').value === '1' && !player.paused && !player.recording.over; };
byId('live').onclick = () => {
  byId('speed').value = '1';
  pause(false);
  follows = false;
  watch(experiments.isRunning() && newest ? newest : here, false);
};
byId('again').onclick = () => {
  watch(watched, true);
  pause(false);
};
byId('watching').onchange = event => {
  const recording = event.target.value === 'here' ? here : trials()[event.target.value].recording;
  follows = false;
  watch(recording);
};
addEventListener('keydown', event => {
  if (event.ctrlKey || event.altKey || event.metaKey || ['SELECT', 'INPUT'].includes(event.target.tagName))
    return;
  if (event.key === 'p')
    byId('pause').click();
  else if (event.key === 's')
    byId('step').click();
});

async function begin() {
  try {
    await askHere();
    await experiments.begin(here.told.model, runChanged);
  } catch {
    state('lost', 'the server is gone: trying again');
    setTimeout(begin, POLL_MS);
    return;
  }
  runChanged();
  poll();
}
requestAnimationFrame(frame);
begin();
