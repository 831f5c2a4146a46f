// A run: what an experiment's records say, put in order; as a file, with the events of each trial's decisive moment.

import {Recording} from './lab_play.js';

const FORMAT = 'httpd-lab-run', KEEP = 60000, SAVED = 1500, BEFORE_NS = 2e6, TICK_MS = 50, PLACES = 14;

// {experiment, ms, trials: [{model, state, at, ticks, end, recording}], failed}
export function runOf(records, before) {
  const run = {experiment: '', ms: 0, trials: [], failed: ''};
  let begun = 0;
  for (const record of records.filter(Boolean)) {
    const trial = run.trials[begun - 1];
    if (record.kind === 'run')
      Object.assign(run, {experiment: record.experiment, ms: record.ms, trials: record.models.map((model, i) => ({
        model, state: 'waits', at: 0, pid: 0, ticks: [], end: null, recording: before?.trials[i]?.recording ?? new Recording(model, KEEP)}))});
    else if (record.kind === 'trial')
      run.trials[begun++].state = 'starts';
    else if (record.kind === 'serves')
      Object.assign(trial, {state: 'runs', at: record.at, pid: record.pid});
    else if (record.kind === 'tick')
      trial.ticks.push(record);
    else if (record.kind === 'end')
      Object.assign(trial, {state: 'done', end: record});
    else if (record.kind === 'absent' || record.kind === 'stopped')
      trial.state = record.kind;
    else
      run.failed = record.why;
  }
  if (run.failed && underWay(run))
    underWay(run).state = 'stopped';
  return run;
}

export const underWay = run => run?.trials.find(trial => ['starts', 'runs'].includes(trial.state));

const rowOf = e => [e.ring, e.at, e.worker, e.kind, e.what, e.client, e.fd, e.value, e.apart ? 1 : 0];

// From just before the first of the crowd is let in, who has a place that nobody had before: a fast server notes more of
// the honest client alone in a tick than is saved.
function decisive(trial) {
  const first = trial.ticks.find(tick => tick.crowd), {events} = trial.recording;
  const from = trial.at + (first ? (first.at - TICK_MS) * 1e6 : 0), begun = Math.max(0, events.findIndex(e => e.at >= from));
  const before = new Set(events.slice(0, begun).map(e => e.client));
  const comes = events.find((e, i) => i >= begun && e.kind === 'accepted' && !before.has(e.client))?.at ?? from;
  const begin = Math.max(0, events.findIndex(e => e.at >= comes - BEFORE_NS));
  return events.slice(begin, begin + SAVED);
}

export function saved(run, machine) {
  return JSON.stringify({
    format: FORMAT, version: 1, machine, saved: new Date().toISOString(), experiment: run.experiment, ms: run.ms,
    trials: run.trials.map(({recording, ...trial}) => ({...trial, told: recording.told, events: decisive({recording, ...trial}).map(rowOf)})),
  }, null, 0);
}

function recordingOf(trial) {
  const recording = new Recording(trial.model, KEEP), told = trial.told;
  if (told)
    for (const words of [told.kinds, told.calls, told.ends])
      if (!Array.isArray(words))
        throw new Error('its events have no names');
  recording.told = told;
  recording.over = true;
  recording.events = trial.events.map(([ring, at, worker, kind, what, client, fd, value, apart]) =>
    ({ring: String(ring), at: Number(at), worker: Number(worker), kind: String(kind), what: Number(what), client: Number(client), fd: Number(fd), value: Number(value), apart: apart === 1}));
  return recording;
}

// Throws with words for who chose the file.
export function loaded(text, models) {
  let file;
  try {
    file = JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
  if (file?.format !== FORMAT || file.version !== 1 || !Array.isArray(file.trials))
    throw new Error('it is no run of this lab');
  const unknown = file.trials.find(trial => !models.includes(trial.model));
  if (unknown)
    throw new Error(`its model ${unknown.model} isn’t known here`);
  return {experiment: String(file.experiment), ms: Number(file.ms), failed: '', machine: file.machine, saved: String(file.saved).slice(0, PLACES + 2),
    trials: file.trials.map(trial => ({...trial, recording: recordingOf(trial)}))};
}
