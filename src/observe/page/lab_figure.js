// A run drawn: for each model the honest client's latency over time, side by side on the same axes. On the page in its
// colours, as a figure for a slide in fixed ones; nothing but attributes, so that it is the same wherever it is opened.

const NS = 'http://www.w3.org/2000/svg';
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';
const LEAST = 0.02, MOST = 2000, PATIENCE = 1000, GRID = [[0.1, '0.1 ms'], [1, '1 ms'], [10, '10 ms'], [100, '100 ms'], [1000, '1 s']];
const PAGE = {ink: 'var(--ink)', soft: 'var(--soft)', line: 'var(--line)', card: 'var(--card)', faint: 'var(--faint)', good: 'var(--served)', data: 'var(--read)', fair: 'var(--load)', bad: 'var(--bad)'};
const SLIDE = {ink: '#1d1c1a', soft: '#66625c', line: '#e0dbd3', card: '#ffffff', faint: '#f3f0ea', good: '#1f7a3d', data: '#0b6e99', fair: '#a84a08', bad: '#b3261e'};

function make(parent, name, attributes, text) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes))
    node.setAttribute(key, typeof value === 'number' ? Math.round(value * 100) / 100 : value);
  if (text !== undefined)
    node.textContent = text;
  parent.append(node);
  return node;
}

export const ms = n => n >= 1000 ? `${(n / 1000).toFixed(1)} s` : n >= 100 ? `${n.toFixed(0)} ms` : n >= 10 ? `${n.toFixed(1)} ms` : `${n.toFixed(2)} ms`;
export const count = n => n >= 1e6 ? `${(n / 1e6).toFixed(1)} M` : n >= 1e4 ? `${(n / 1e3).toFixed(0)} k` : n.toLocaleString('en');

export function fateOf(trial) {
  const {end, state} = trial;
  if (end)
    return end.fate === 'held up' ? `${end.unanswered} of ${end.answered + end.unanswered} unanswered` : `${end.fate}, median ${ms(end.middle)}`;
  return {waits: 'is to come', starts: 'starts', runs: 'runs', absent: 'can’t be had here', stopped: 'stopped'}[state];
}

// What has no answer yet is a wait that grows: it is drawn as long as it has lasted.
function drawData(panel, trial, x, y, colours) {
  const answered = trial.ticks.filter(tick => tick.answered > 0);
  let band = '', line = '';
  for (const run of runs(answered)) {
    band += 'M' + run.map(tick => `${x(tick.at)},${y(tick.most)}`).join('L') + 'L' + run.toReversed().map(tick => `${x(tick.at)},${y(tick.least)}`).join('L') + 'Z';
    line += 'M' + run.map(tick => `${x(tick.at)},${y(tick.middle)}`).join('L') + (run.length === 1 ? 'h.1' : '');
  }
  make(panel, 'path', {d: band, fill: colours.data, opacity: 0.18});
  make(panel, 'path', {d: line, fill: 'none', stroke: colours.data, 'stroke-width': 2, 'stroke-linejoin': 'round', 'stroke-linecap': 'round'});
  let waits = '';
  trial.ticks.forEach((tick, i) => {
    const before = trial.ticks[i - 1];
    if (tick.waits > 60 || tick.unanswered > 0)
      waits += `M${x(before?.at ?? 0)},${y(Math.max(before?.waits ?? 0, tick.waits - tick.at + (before?.at ?? 0)))}L${x(tick.at)},${y(tick.unanswered > 0 ? PATIENCE : tick.waits)}`;
    if (tick.unanswered > 0) {
      const [cx, cy] = [x(tick.at), y(PATIENCE)];
      make(panel, 'path', {d: `M${cx - 4},${cy - 4}l8,8m0,-8l-8,8`, stroke: colours.bad, 'stroke-width': 2, 'stroke-linecap': 'round'});
    }
  });
  make(panel, 'path', {d: waits, fill: 'none', stroke: colours.bad, 'stroke-width': 2, 'stroke-dasharray': '3 3'});
}

function runs(ticks) {
  const all = [];
  for (const tick of ticks)
    if (all.length && tick.at - all.at(-1).at(-1).at < 80)
      all.at(-1).push(tick);
    else
      all.push([tick]);
  return all;
}

function drawPanel(svg, trial, duration, box, colours) {
  const {left, top, width, height, labels} = box, panel = make(svg, 'g', {});
  const plot = {left: left + (labels ? 46 : 6), right: left + width - 6, top: top + 40, bottom: top + height - 62};
  const x = at => +(plot.left + Math.min(1, at / duration) * (plot.right - plot.left)).toFixed(1);
  const y = value => +(plot.bottom - Math.log(Math.min(MOST, Math.max(LEAST, value)) / LEAST) / Math.log(MOST / LEAST) * (plot.bottom - plot.top)).toFixed(1);
  const crowd = trial.ticks.filter(tick => tick.crowd), colour = {answered: colours.good, late: colours.fair, 'held up': colours.bad}[trial.end?.fate] ?? colours.soft;
  make(panel, 'text', {x: plot.left, y: top + 15, fill: colours.ink, 'font-size': 15, 'font-weight': 650}, trial.model);
  make(panel, 'text', {x: plot.left, y: top + 31, fill: colour, 'font-size': 12}, fateOf(trial));
  if (crowd.length) {
    const from = x(crowd[0].at), to = x(crowd.at(-1).at + 50);
    make(panel, 'rect', {x: from, y: plot.top, width: Math.max(0, to - from), height: plot.bottom - plot.top, fill: colours.faint});
  }
  for (const [value, text] of GRID) {
    make(panel, 'path', {d: `M${plot.left},${y(value)}H${plot.right}`, stroke: colours.line, 'stroke-width': 1});
    if (labels)
      make(panel, 'text', {x: plot.left - 6, y: y(value) + 4, fill: colours.soft, 'font-size': 11, 'text-anchor': 'end'}, text);
  }
  make(panel, 'path', {d: `M${plot.left},${plot.bottom}H${plot.right}`, stroke: colours.soft, 'stroke-width': 1});
  for (let at = 0; at <= duration; at += 500)
    make(panel, 'text', {x: x(at), y: plot.bottom + 15, fill: colours.soft, 'font-size': 11, 'text-anchor': at ? 'middle' : 'start'}, at ? `${at / 1000}` : '0 s');
  drawData(panel, trial, x, y, colours);
  if (trial.end) {
    const {cpu, calls, memory, worst} = trial.end;
    make(panel, 'text', {x: plot.left, y: plot.bottom + 35, fill: colours.ink, 'font-size': 12}, `worst ${ms(worst)} · ${cpu} ms CPU`);
    make(panel, 'text', {x: plot.left, y: plot.bottom + 52, fill: colours.ink, 'font-size': 12}, `${count(calls)} calls · ${memory} MiB`);
  }
  return {crowd: crowd.length > 0, x, plot};
}

function svgOf(width, height, label) {
  const svg = document.createElementNS(NS, 'svg');
  for (const [key, value] of Object.entries({xmlns: NS, viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': label, 'font-family': FONT}))
    svg.setAttribute(key, value);
  return svg;
}

export function wordsOf(run, title) {
  return `${title}: the honest client’s latency over time. ` + run.trials.map(trial => `${trial.model}: ${fateOf(trial)}`).join('; ') + '.';
}

function drawPanels(svg, run, area, columns, colours) {
  const rows = Math.ceil(run.trials.length / columns), gap = 14;
  const height = Math.min(area.most, (area.height - gap * (rows - 1)) / rows), width = (area.width - 40 - gap * (columns - 1)) / columns;
  run.trials.forEach((trial, i) => {
    const column = i % columns, labels = column === 0;
    drawPanel(svg, trial, run.ms, {
      left: area.left + column * (width + gap) + (labels ? 0 : 40), top: area.top + Math.floor(i / columns) * (height + gap),
      width: width + (labels ? 40 : 0), height, labels}, colours);
  });
}

// For the page, as wide as there is room.
export function figure(run, title, width) {
  const most = Math.max(1, Math.min(5, Math.floor((width - 40) / 190))), rows = Math.ceil(run.trials.length / most);
  const columns = Math.ceil(run.trials.length / rows), each = 270, height = rows * each + (rows - 1) * 14;
  const svg = svgOf(width, height, wordsOf(run, title));
  drawPanels(svg, run, {left: 0, top: 0, width, height, most: each}, columns, PAGE);
  return svg;
}

// 16:9, with all that is needed to understand it.
export function slide(run, experiment, machine) {
  const [width, height, margin] = [1280, 720, 48], svg = svgOf(width, height, wordsOf(run, experiment.title));
  const n = run.trials.length, columns = n <= 3 ? n : n <= 4 ? 2 : Math.ceil(n / 2), fill = SLIDE.soft;
  make(svg, 'rect', {width, height, fill: SLIDE.card});
  make(svg, 'text', {x: margin, y: 66, fill: SLIDE.ink, 'font-size': 32, 'font-weight': 650}, experiment.title);
  make(svg, 'text', {x: margin, y: 96, fill, 'font-size': 17}, `${experiment.what} Beside it, an honest client asks for 1 kB, over and over.`);
  make(svg, 'text', {x: margin, y: 120, fill, 'font-size': 14}, 'How long each answer took: the median, and from the quickest to the slowest; red, a wait without an answer. Grey: the time the others are there.');
  drawPanels(svg, run, {left: margin, top: 142, width: width - 2 * margin, height: height - 142 - 56, most: 540}, columns, SLIDE);
  make(svg, 'text', {x: margin, y: height - 26, fill, 'font-size': 13}, `httpd lab ${run.experiment} · ${machine}`);
  return svg;
}

export const textOf = svg => `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(svg)}\n`;

export async function pictureOf(svg) {
  const image = new Image(), canvas = document.createElement('canvas');
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(textOf(svg))}`;
  await image.decode();
  canvas.width = 2 * image.naturalWidth;
  canvas.height = 2 * image.naturalHeight;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise(done => canvas.toBlob(done, 'image/png'));
}
