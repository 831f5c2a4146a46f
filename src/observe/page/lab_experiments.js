// Experiments: chosen, said what is expected, started, drawn as they go, saved and loaded. Who runs them is the server's
// own program, in a process beside it. #slow in the address chooses one, #slow:blocking,epoll-et its models, too.

import {byId, element, set} from './lab_draw.js';
import {runOf, underWay, saved, loaded} from './lab_run.js';
import {figure, slide, textOf, pictureOf, wordsOf, fateOf, ms, count} from './lab_figure.js';

const LATE_MS = 3000, BUSY = 0.5;
let list = null;           // what the server can do, and what it wants to be asked with
let own = '';              // its model
let chosen = null, run = null, number = 0, running = false, askedAt = 0;
let heard = () => {};      // what is shown has changed: the run

export const current = () => run;
export const isRunning = () => running;

const named = name => list.experiments.find(experiment => experiment.name === name);
const expectation = (experiment, model) =>
  experiment.expected.find(expected => !expected.models || expected.models.split(' ').includes(model));
const kindOf = fate => ({answered: 'good', late: 'fair', 'held up': 'bad'})[fate];
const wanted = () => [...document.querySelectorAll('#models input:checked')].map(box => box.value);
const say = text => set(byId('progress'), text);
const fetched = async path => (await fetch(path, {cache: 'no-store', signal: AbortSignal.timeout(60000)})).json();

// ---- Before

function drawChoices() {
  byId('choices').replaceChildren(...list.experiments.map(experiment => {
    const item = element('li'), link = element('a', '', experiment.title);
    link.href = `#${experiment.name}`;
    link.id = `choose-${experiment.name}`;
    item.append(link);
    return item;
  }));
  byId('models').append(...list.models.map(model => {
    const label = element('label', 'model'), box = element('input');
    Object.assign(box, {type: 'checkbox', value: model, checked: model === own});
    box.onchange = drawExpected;
    label.append(box, model);
    return label;
  }));
}

function drawExpected() {
  const groups = new Map();
  for (const model of wanted()) {
    const expected = expectation(chosen, model);
    groups.set(expected, [...(groups.get(expected) ?? []), model]);
  }
  byId('expected').replaceChildren(...[...groups].flatMap(([expected, models]) => {
    const term = element('dt', '', models.join(', '));
    term.append(' ', element('span', `fate ${kindOf(expected.fate)}`, expected.fate));
    return [term, element('dd', '', expected.words)];
  }));
  const n = wanted().length;
  byId('start').disabled = running || n === 0;
  byId('load').disabled = running;
  set(byId('start'), n === 0 ? 'Choose a model' : n === 1 ? `Run it with ${wanted()[0]}` : `Run it with ${n} models`);
}

function choose() {
  const [name, models] = decodeURIComponent(location.hash.slice(1)).split(':');
  chosen = named(name) ?? chosen ?? named(run?.experiment) ?? list.experiments[0];
  for (const link of document.querySelectorAll('#choices a'))
    if (link.id === `choose-${chosen.name}`)
      link.setAttribute('aria-current', 'true');
    else
      link.removeAttribute('aria-current');
  if (models)
    for (const box of document.querySelectorAll('#models input'))
      box.checked = models === 'all' || models.split(',').includes(box.value);
  set(byId('title'), chosen.title);
  set(byId('what'), `${chosen.what} Beside that, an honest client asks for 1 kB, waits for it, and asks again.`);
  drawExpected();
  drawResult();
}

// ---- After

// Late where it was to be answered may be another program's doing.
function wordsOfFate({model, end}) {
  const {fate} = expectation(named(run.experiment), model);
  return !end.met ? `${end.fate}, which wasn’t expected` : fate === 'answered' && end.fate === 'late' ? 'late, yet answered' : `${end.fate}, as expected`;
}

function cells(trial) {
  const {end} = trial;
  if (!end)
    return [trial.model, fateOf(trial), ...Array(8).fill('')];
  return [trial.model, wordsOfFate(trial),
    count(end.answered), count(end.unanswered), ms(end.alone), ms(end.middle), ms(end.worst), `${end.cpu} ms`, count(end.calls), `${end.memory} MiB`];
}

function drawResult() {
  const shown = run && run.experiment === chosen?.name;
  byId('result').hidden = !shown;
  if (!shown)
    return;
  byId('figure').replaceChildren(figure(run, chosen.title, Math.max(280, byId('figure').clientWidth || 800)));
  byId('rows').replaceChildren(...run.trials.map(trial => {
    const row = element('tr');
    cells(trial).forEach((text, i) => {
      const cell = element(i ? 'td' : 'th', '', text);
      if (i === 0)
        cell.scope = 'row';
      if (i === 1 && trial.end)
        cell.className = trial.end.met ? 'good' : 'bad';
      row.append(cell);
    });
    return row;
  }));
  const others = Math.max(...run.trials.map(trial => trial.end?.others ?? 0));
  set(byId('busy'), others < BUSY ? '' : `Other programs, this browser among them, had up to ${(100 * others).toFixed(0)} % of the processors before the crowd came: what is late may be their doing.`);
  for (const button of document.querySelectorAll('#share button'))
    button.disabled = running || !run.trials.some(trial => trial.end);
}

// ---- Running

function progress() {
  const trial = underWay(run), done = run.trials.filter(each => each.end);
  if (run.failed)
    return `It could not be done: ${run.failed}.`;
  if (running && !trial)
    return 'Making the files that it takes …';
  if (running)
    return `${trial.model}, ${run.trials.indexOf(trial) + 1} of ${run.trials.length}: ${trial.ticks.at(-1)?.crowd ? 'the others are there' : trial.ticks.length ? 'the honest client is alone' : 'its server starts'}.`;
  if (run.trials.some(each => each.state === 'stopped'))
    return 'Stopped.';
  const met = done.filter(each => each.end.met);
  return `Done: ${met.length === done.length ? 'all came as expected' : `${met.length} of ${done.length} came as expected`}.`;
}

function take(answer) {
  if (!answer.run && !running)
    return;
  if (!answer.run) // another server has taken the place of that one
    answer = {run: number, running: false, records: [...take.records, {kind: 'failed', why: 'the server has ended'}]};
  const fresh = answer.run !== number, was = running, more = answer.records.length !== take.records?.length;
  number = answer.run;
  running = answer.running;
  run = runOf(answer.records, fresh ? null : run);
  if (fresh && (chosen ? chosen.name !== run.experiment : !location.hash) && named(run.experiment))
    history.replaceState(null, '', `#${run.experiment}`);
  take.records = answer.records;
  if (fresh || running || was || more) {
    if (chosen && run.experiment && run.experiment !== chosen.name)
      choose();
    else
      drawResult();
    say(progress());
  }
  for (const trial of run.trials)
    Object.assign(trial.recording, {over: !running || !['starts', 'runs'].includes(trial.state), until: trial.at + run.ms * 1e6});
  byId('stop').hidden = !running;
  if (was !== running)
    drawExpected();
  heard();
}

// True: something goes on, so that it is to be asked again soon.
export async function poll() {
  if (!running && !askedAt)
    return false;
  const was = running;
  take(await fetched('experiment.json'));
  const trial = running ? underWay(run) : was && run.trials.findLast(each => each.pid); // whose last words are yet to be heard
  if (trial?.pid) {
    const answer = await fetched('trial.json');
    if (answer.pid === trial.pid)
      trial.recording.take(answer);
  }
  if (running)
    askedAt = 0;
  else if (askedAt && performance.now() - askedAt > LATE_MS) {
    askedAt = 0;
    say('It could not be started: is another page’s running?');
  }
  return running || askedAt > 0;
}

const ask = (experiment, models, run) => fetched(`start.json?token=${list.token}&run=${run}&experiment=${experiment}&models=${models}`);

async function start() {
  say('Starting …');
  byId('start').disabled = true;
  try {
    number = (await fetched('experiment.json')).run;
    await ask(chosen.name, wanted().join(), number + 1);
    askedAt = performance.now();
  } catch {
    say('The server doesn’t answer.');
    drawExpected();
  }
}

// ---- Files

const machine = () => run.machine ?? `${navigator.userAgentData?.platform || navigator.platform}, ${navigator.hardwareConcurrency} processors, ${new Date().toISOString().slice(0, 10)}`;

function give(name, blob) {
  const link = element('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

const fileName = kind => `httpd-lab-${run.experiment}.${kind}`;
const drawn = () => slide(run, named(run.experiment), machine());

async function load(file) {
  try {
    const next = loaded(await file.text(), list.models);
    if (!named(next.experiment))
      throw new Error('its experiment isn’t known here');
    slide(next, named(next.experiment), '');
    run = next;
    chosen = null;
    history.replaceState(null, '', `#${run.experiment}`);
    choose();
    say(`Loaded: a run of ${run.saved.replace('T', ' ')}, ${run.machine}.`);
    heard();
  } catch (error) {
    say(`${file.name} can’t be loaded: ${error instanceof TypeError ? 'something is missing in it' : error.message}.`);
  }
}

// The server, or another in its place: upgraded, or started anew.
export async function meet(model) {
  list = await fetched('experiments.json');
  own = model;
}

export async function begin(model, changed) {
  await meet(model);
  const answer = await fetched('experiment.json');
  heard = changed;
  drawChoices();
  take(answer);
  choose();
  addEventListener('hashchange', choose);
  new ResizeObserver(drawResult).observe(byId('figure').parentElement);
  byId('start').onclick = start;
  byId('stop').onclick = () => ask('stop', '', 0).catch(() => say('The server doesn’t answer.'));
  byId('own').onclick = () => select(box => box.value === own);
  byId('all').onclick = () => select(() => true);
  byId('save-run').onclick = () => give(fileName('json'), new Blob([saved(run, machine())], {type: 'application/json'}));
  byId('save-svg').onclick = () => give(fileName('svg'), new Blob([textOf(drawn())], {type: 'image/svg+xml'}));
  byId('save-png').onclick = async () => give(fileName('png'), await pictureOf(drawn()));
  byId('load').onchange = async event => {
    if (event.target.files[0])
      await load(event.target.files[0]);
    event.target.value = ''; // or the same one can't be chosen again
  };
}

function select(which) {
  for (const box of document.querySelectorAll('#models input'))
    box.checked = which(box);
  drawExpected();
}
