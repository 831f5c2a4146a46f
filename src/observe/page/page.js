// Polls status.json each second and draws what happened between two answers. Its figures only grow, so a rate is a
// difference over the server's own time between them: a tab that slept, or a poll that came late, changes no rate. A
// server that was started anew is a new beginning.
'use strict';

const KEEP = 120, WINDOW = 60; // seconds shown; of the histogram
const here = document.body.dataset.here;
const byId = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
let last = null, samples = [];

function element(name, attributes = {}, text) {
  const svg = ['svg', 'path', 'line', 'rect', 'text'].includes(name);
  const made = svg ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes))
    made.setAttribute(key, value);
  if (text !== undefined)
    made.textContent = text;
  return made;
}

// ---- Numbers for people

function short(n, digits = 3) {
  const units = ['', 'k', 'M', 'G', 'T', 'P'];
  let at = 0;
  while (n >= 999.5 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return (at === 0 && Number.isInteger(n) ? String(n) : n >= 100 ? n.toFixed(0) : n.toPrecision(digits)) + units[at];
}

const whole = n => n.toLocaleString('en');
const rate = n => n === 0 ? '0' : n < 10 ? n.toFixed(1) : short(n);

function bytes(n) {
  const scaled = n < 1 ? '0' : rate(n), unit = /[kMGTP]$/.test(scaled) ? scaled.slice(-1) : '';
  return [unit ? scaled.slice(0, -1) : scaled, `${unit}B`];
}

function time(us) {
  if (us < 1000)
    return `${us < 10 ? us.toFixed(1) : us.toFixed(0)} µs`;
  return us < 1e6 ? `${(us / 1e3).toPrecision(3)} ms` : `${(us / 1e6).toPrecision(3)} s`;
}

function lasted(seconds) {
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min']];
  for (const [length, unit] of parts)
    if (seconds >= length)
      return `${Math.floor(seconds / length)} ${unit}`;
  return `${Math.floor(seconds)} s`;
}

// ---- What happened between two answers

function difference(now, before) {
  const seconds = now.uptime - before.uptime;
  const per = pick => Math.max(0, pick(now) - pick(before)) / seconds;
  return {
    at: now.uptime,
    requests: per(s => s.requests.total),
    sent: per(s => s.bytes.sent),
    received: per(s => s.bytes.received),
    accepted: per(s => s.connections.accepted),
    open: now.connections.open,
    counts: now.latency.counts.map((count, i) => count - before.latency.counts[i]),
    hits: now.cache.hits - before.cache.hits,
    lookups: ['hits', 'checks', 'misses'].reduce((sum, key) => sum + now.cache[key] - before.cache[key], 0),
    lanes: now.workers.map((worker, i) => ({
      requests: (worker.requests - before.workers[i].requests) / seconds,
      sent: (worker.sent - before.workers[i].sent) / seconds,
      busy: Math.min(1, (worker.round_seconds - before.workers[i].round_seconds) / seconds),
    })),
  };
}

function sumCounts(of) {
  const sum = of[0].counts.slice();
  for (const sample of of.slice(1))
    sample.counts.forEach((count, i) => sum[i] += count);
  return sum;
}

// Within its bucket a time may lie anywhere: as if they were spread evenly. NaN: there was none.
function quantile(counts, least, share) {
  const total = counts.reduce((a, b) => a + b, 0);
  let left = total * share;
  for (let i = 0; total > 0 && i < counts.length; i++) {
    if (left <= counts[i] && counts[i] > 0) {
      const end = i + 1 < least.length ? least[i + 1] : 2 * least[i];
      return least[i] + (end - least[i]) * left / counts[i];
    }
    left -= counts[i];
  }
  return NaN;
}

// ---- Drawing

function size(svg) {
  const box = svg.getBoundingClientRect();
  svg.setAttribute('viewBox', `0 0 ${box.width || 300} ${box.height || 60}`);
  return [box.width || 300, box.height || 60];
}

// The newest sample is at the right edge; what lies between two far apart (a tab asleep) is left open.
function path(values, ats, x, y) {
  let text = '', open = true;
  values.forEach((value, i) => {
    if (Number.isNaN(value) || (i > 0 && ats[i] - ats[i - 1] > 5))
      open = true;
    if (Number.isNaN(value))
      return;
    text += `${open ? 'M' : 'L'}${x(ats[i]).toFixed(1)} ${y(value).toFixed(1)}`;
    open = false;
  });
  return text;
}

function spark(svg, values, most = Math.max(...values, 1e-9)) {
  const [width, height] = size(svg), ats = samples.map(s => s.at);
  const end = ats[ats.length - 1], x = at => width - (end - at) / KEEP * width;
  const y = value => height - 2 - value / most * (height - 4);
  const line = path(values, ats, x, y);
  const floor = `L${width} ${height}L${x(ats[0]).toFixed(1)} ${height}Z`;
  svg.replaceChildren(element('path', {d: line && line.replace(/M/g, (m, at) => at ? 'L' : m) + floor, class: 'area'}),
                      element('path', {d: line, class: 'curve c0'}));
}

function drawQuantiles(least) {
  const svg = byId('quantiles'), [width, height] = size(svg), left = 46, bottom = height - 16;
  const shares = [0.5, 0.99, 0.999];
  const curves = shares.map(share => samples.map((_, i) =>
    quantile(sumCounts(samples.slice(Math.max(0, i - 4), i + 1)), least, share)));
  const all = curves.flat().filter(value => !Number.isNaN(value));
  svg.replaceChildren();
  if (all.length === 0)
    return;
  const low = Math.floor(Math.log10(Math.max(1, Math.min(...all)))), high = Math.ceil(Math.log10(Math.max(...all, 2)));
  const top = Math.max(high, low + 1);
  const y = us => bottom - (Math.log10(Math.max(us, 1)) - low) / (top - low) * (bottom - 8);
  const ats = samples.map(s => s.at), end = ats[ats.length - 1];
  const x = at => width - (end - at) / KEEP * (width - left);
  for (let power = low; power <= top; power++) {
    const at = y(10 ** power);
    svg.append(element('line', {x1: left, x2: width, y1: at, y2: at, class: 'rule'}),
               element('text', {x: left - 6, y: at + 4, 'text-anchor': 'end'}, time(10 ** power).replace(/\.0+ /, ' ')));
  }
  svg.append(element('text', {x: left, y: height, 'text-anchor': 'start'}, '2 min ago'),
             element('text', {x: width, y: height, 'text-anchor': 'end'}, 'now'));
  curves.forEach((values, i) => svg.append(element('path', {d: path(values, ats, x, y), class: `curve c${i}`})));
  const now = curves.map(values => values[values.length - 1]);
  svg.setAttribute('aria-label', 'Response time now: ' + (Number.isNaN(now[0]) ? 'no requests' :
    shares.map((share, i) => `p${share * 100} ${time(now[i])}`).join(', ')));
}

function drawHistogram(least) {
  const svg = byId('histogram'), [width, height] = size(svg), bottom = height - 16;
  const counts = sumCounts(samples.slice(-WINDOW)), total = counts.reduce((a, b) => a + b, 0);
  svg.replaceChildren();
  byId('spread').textContent = total ? `last minute: ${whole(total)} answers, half of them within ` +
    `${time(quantile(counts, least, 0.5))}` : 'no answers in the last minute';
  if (total === 0)
    return;
  const first = Math.max(0, counts.findIndex(count => count > 0) - 2);
  const past = Math.min(counts.length, counts.length - [...counts].reverse().findIndex(count => count > 0) + 2);
  const most = Math.max(...counts), step = width / (past - first);
  svg.append(element('line', {x1: 0, x2: width, y1: bottom, y2: bottom, class: 'rule'}));
  for (let i = first; i < past; i++) {
    const tall = counts[i] && Math.max(1.5, counts[i] / most * (bottom - 8)), x = (i - first) * step;
    svg.append(element('rect', {x: x + 1, y: bottom - tall, width: Math.max(1, step - 2), height: tall, class: 'bar'}));
    if ((i - first) % Math.ceil(56 / step) === 0 && x < width - 40)
      svg.append(element('text', {x, y: height}, time(least[i]).replace(/\.0+ /, ' ')));
  }
  svg.setAttribute('aria-label', `Histogram of ${whole(total)} response times in the last minute, ` +
    `${time(least[first])} to ${time(least[Math.min(past, least.length - 1)])}`);
}

const TILES = [
  ['Requests', sample => sample.requests, value => [rate(value), '/s']],
  ['Sent', sample => sample.sent, value => [bytes(value)[0], `${bytes(value)[1]}/s`]],
  ['Open connections', sample => sample.open, value => [whole(value), '']],
  ['New connections', sample => sample.accepted, value => [rate(value), '/s']],
];

function drawTiles() {
  const box = byId('tiles');
  if (!box.children.length)
    for (const [name] of TILES) {
      const tile = element('div', {class: 'tile'});
      tile.append(element('h3', {}, name), element('p'), element('svg', {'aria-hidden': 'true'}));
      box.append(tile);
    }
  TILES.forEach(([name, pick, text], i) => {
    const [number, unit] = text(pick(samples[samples.length - 1])), tile = box.children[i];
    tile.querySelector('p').replaceChildren(number, element('small', {}, unit));
    spark(tile.querySelector('svg'), samples.map(pick));
  });
}

function drawLanes(status) {
  const box = byId('lanes'), now = samples[samples.length - 1];
  const most = Math.max(...samples.flatMap(sample => sample.lanes.map(lane => lane.requests)), 1e-9);
  while (box.children.length < status.workers.length) {
    const lane = element('div', {class: 'lane'});
    lane.append(element('span', {}, `worker ${box.children.length}`), element('svg', {'aria-hidden': 'true'}),
                element('span'), element('span', {class: 'more'}), element('span'));
    box.append(lane);
  }
  now.lanes.forEach((lane, i) => {
    const spans = box.children[i].querySelectorAll('span'), [number, unit] = bytes(lane.sent);
    const cell = (span, value, what) => span.replaceChildren(value, element('small', {}, ` ${what}`));
    cell(spans[1], rate(lane.requests), '/s');
    cell(spans[2], number, `${unit}/s`);
    cell(spans[3], ...(status.workers[i].rounds ? [`${(100 * lane.busy).toFixed(0)} %`, 'busy'] :
                                     [whole(status.workers[i].open), 'open']));
    spark(box.children[i].querySelector('svg'), samples.map(sample => sample.lanes[i].requests), most);
  });
}

function table(id, rows) {
  byId(id).replaceChildren(...rows.map(([name, value, none]) => {
    const row = element('tr', none || value === 0 ? {class: 'none'} : {});
    row.append(element('th', {scope: 'row'}, name), element('td', {}, typeof value === 'number' ? whole(value) : value));
    return row;
  }));
}

function drawTables(status) {
  const connections = status.connections, cache = status.cache, loads = status.loads;
  const recent = samples.slice(-WINDOW), lookups = recent.reduce((sum, s) => sum + s.lookups, 0);
  const hits = recent.reduce((sum, s) => sum + s.hits, 0);
  table('phases', [['open', connections.open], ...Object.entries(connections.phases),
                   ['at most', connections.max], ['times that it was full', connections.max_reached],
                   ['refused, too many from one address', connections.max_per_ip_refused],
                   ['could not be let in', connections.accept_errors]]);
  const ended = Object.entries(connections.ended).filter(([, count]) => count > 0).sort((a, b) => b[1] - a[1]);
  table('ended', ended.length ? ended : [['none yet', '', true]]);
  table('answers', [...Object.entries(status.requests.by_status).filter(([key, n]) => n > 0 || key !== '1xx'),
                    ...Object.entries(status.requests.by_method).filter(([, n]) => n > 0),
                    ['bytes received', bytes(status.bytes.received).join(' ')],
                    ['bytes sent', bytes(status.bytes.sent).join(' ')]]);
  table('files', [['found in the cache, last minute', lookups ? `${(100 * hits / lookups).toFixed(1)} %` : '–', !lookups],
                  ['cache hits', cache.hits], ['checked again', cache.checks], ['not known', cache.misses],
                  ['loads', loads.count], ['a load takes', loads.count ? time(1e6 * loads.seconds / loads.count) : '–',
                   !loads.count],
                  ['loaders at work', `${status.loaders.busy} of ${status.loaders.max}`, !status.loaders.busy],
                  ['log lines', status.log.lines], ['log lines lost', status.log.lost]]);
}

function draw(status) {
  byId('version').textContent = status.version;
  byId('what').textContent = `${status.model}, ${status.workers.length} worker` +
    `${status.workers.length === 1 ? '' : 's'}, up ${lasted(status.uptime)}`;
  drawTables(status);
  if (samples.length === 0)
    return;
  drawTiles();
  drawQuantiles(status.latency.least_us);
  drawHistogram(status.latency.least_us);
  drawLanes(status);
}

// ---- Polling

function say(text, kind) {
  if (byId('state').textContent !== text)
    byId('state').textContent = text; // else a screen reader would say it each second
  byId('state').className = kind;
}

function take(status) {
  const same = last && last.pid === status.pid && last.started === status.started && status.uptime > last.uptime &&
    last.workers.length === status.workers.length;
  if (last && last.pid === status.pid && last.uptime === status.uptime)
    return;
  if (same)
    samples.push(difference(status, last));
  else
    samples = [];
  samples = samples.filter(sample => sample.at > status.uptime - KEEP);
  last = status;
  draw(status);
}

async function poll() {
  try {
    const answer = await fetch(`${here}/status.json`, {cache: 'no-store', signal: AbortSignal.timeout(5000)});
    if (!answer.ok)
      throw new Error(String(answer.status));
    take(await answer.json());
    say('live', 'live');
  } catch (error) {
    say('no answer, trying again', 'lost');
  }
  setTimeout(poll, document.hidden ? 5000 : 1000);
}

document.addEventListener('visibilitychange', () => document.hidden || (last && draw(last)));
addEventListener('resize', () => last && draw(last));
poll();
