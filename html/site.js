// What the pages of httpd do beyond being read: measure the server that delivered them, and draw it.
// Every part looks for its own place in the page and does nothing where that is missing.

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function drawing(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function duration(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return ms < 10 ? `${ms.toFixed(2)} ms` : ms < 100 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}

// Drawings are made in the size they are shown, so that their text keeps its own.
function widthOf(place) {
  return Math.max(280, Math.min(700, Math.floor(place.getBoundingClientRect().width)));
}

// ---- measuring -------------------------------------------------------------------------------------------------------

// Sends `count` requests, `width` of them at a time, and returns how long each took, in milliseconds.
async function measure(count, width, progress) {
  const times = [];
  let next = 0;
  async function lane() {
    while (next < count) {
      const url = `probe.txt?n=${next++}`;
      const begin = performance.now();
      const response = await fetch(url, { cache: "no-store" });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      await response.arrayBuffer();
      times.push(performance.now() - begin);
      progress(times.length);
    }
  }
  await Promise.all(Array.from({ length: width }, lane));
  return times;
}

// How many of the measured requests had to open a connection. The browser tells in its resource timings.
function connectionsOpened() {
  const probes = performance.getEntriesByType("resource").filter((entry) => entry.name.includes("probe.txt?n="));
  return { known: probes.length, opened: probes.filter((entry) => entry.connectEnd > entry.connectStart).length };
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))];

function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    least: sorted[0],
    median: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    p99: quantile(sorted, 0.99),
    most: sorted[sorted.length - 1],
  };
}

// Counts per bin of equal width from 0 to `limit`; the last bin holds whatever is beyond.
function bins(times, limit, count) {
  const result = new Array(count + 1).fill(0);
  for (const time of times) result[Math.min(count, Math.floor((time / limit) * count))]++;
  return result;
}

// A limit for the axis that reads well: 1, 2 or 5 times a power of ten.
function niceAbove(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((candidate) => candidate >= value);
}

const axisLimit = (stats) => niceAbove(Math.max(stats.p95 * 1.3, 0.1));

function histogram(times, stats, wide) {
  const limit = axisLimit(stats);
  const counts = bins(times, limit, 40);
  const highest = Math.max(...counts);
  const left = 2, base = 150, height = 135, gap = 10, step = (wide - gap - 4) / 41;
  const svg = drawing("svg", {
    class: "plot", viewBox: `0 0 ${wide} 176`, width: wide, height: 176, role: "img",
    "aria-label": `Histogram of ${times.length} answers, from ${duration(stats.least)} to ${duration(stats.most)}`,
  });
  counts.forEach((count, i) => {
    if (count === 0) return;
    const tall = Math.max(1.5, (count / highest) * height);
    const over = i === 40;
    svg.append(drawing("rect", {
      class: over ? "over" : "bar", x: left + i * step + (over ? gap : 0), y: base - tall, width: step * 0.86, height: tall,
    }));
  });
  svg.append(drawing("line", { class: "axis", x1: left, x2: left + 40 * step, y1: base + 0.5, y2: base + 0.5 }));
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const x = left + part * 40 * step;
    svg.append(drawing("line", { class: "axis", x1: x, x2: x, y1: base, y2: base + 5 }));
    const anchor = part === 0 ? "start" : part === 1 ? "end" : "middle"; // who stands beyond the end has a mark of its own
    const label = drawing("text", { x: part === 0 ? 0 : x, y: base + 19, "text-anchor": anchor });
    label.textContent = part === 1 ? `${limit} ms` : `${+(limit * part).toPrecision(3)}`;
    svg.append(label);
  }
  if (counts[40] > 0) {
    const label = drawing("text", { class: "end", x: wide - 4, y: base + 19 });
    label.textContent = ">";
    svg.append(label);
  }
  return svg;
}

// ---- earlier runs, kept in this browser, so that one server can be compared with the next ----------------------------

const KEY = "httpd-runs";
const RUNS_MAX = 12;

function loadRuns() {
  try {
    const runs = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(runs) ? runs.filter((run) => Array.isArray(run?.shape)) : [];
  } catch {
    return [];
  }
}

function saveRuns(runs) {
  try {
    if (runs.length) localStorage.setItem(KEY, JSON.stringify(runs));
    else localStorage.removeItem(KEY);
  } catch {
    // Storage may be switched off. The runs are then gone with the page.
  }
}

function showRuns(runs) {
  const place = byId("runs");
  byId("forget").hidden = runs.length === 0;
  place.hidden = runs.length === 0;
  if (runs.length === 0) return;

  const limit = niceAbove(Math.max(...runs.map((run) => run.p95), 0.1));
  const rows = runs.map((run) => {
    const highest = Math.max(...run.shape);
    const small = drawing("svg", { viewBox: "0 0 120 20", class: "plot", "aria-hidden": "true" });
    small.append(drawing("line", { class: "faint", x1: 0, x2: 120, y1: 19.5, y2: 19.5 }));
    const wide = ((run.limit / limit) * 120) / run.shape.length;
    run.shape.forEach((count, i) => {
      const tall = (count / highest) * 18;
      if (count === 0 || i * wide >= 120) return;
      small.append(drawing("rect", { class: "bar", x: i * wide, y: 19 - tall, width: Math.max(0.8, wide - 0.4), height: tall }));
    });
    const cells = [run.model || "–", `${run.count}`, `${run.width}`, duration(run.median), duration(run.p95), duration(run.most)];
    return element("tr", {}, ...cells.map((text) => element("td", {}, text)), element("td", {}, small));
  });
  const names = ["model", "requests", "at once", "median", "95 %", "slowest", `0 to ${limit} ms`];
  place.replaceChildren(element("table", {},
    element("thead", {}, element("tr", {}, ...names.map((name) => element("th", { scope: "col" }, name)))),
    element("tbody", {}, ...rows)));
}

function setUpMeasuring() {
  const form = byId("probe");
  if (!form || !window.fetch || !location.protocol.startsWith("http")) return;
  form.hidden = false;

  const result = byId("result");
  const button = form.querySelector("[type=submit]");
  let runs = loadRuns();
  showRuns(runs);

  byId("forget").addEventListener("click", () => {
    runs = [];
    saveRuns(runs);
    showRuns(runs);
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const count = Number(form.elements.count.value);
    const width = Number(form.elements.width.value);
    const model = form.elements.model.value;
    button.disabled = true;
    result.replaceChildren(element("p", {}, `Asking ${count} times …`));
    performance.clearResourceTimings();
    performance.setResourceTimingBufferSize(count + 50);
    try {
      await measure(Math.min(10, count), width, () => {});      // the first few open connections and warm caches
      performance.clearResourceTimings();
      const begin = performance.now();
      const times = await measure(count, width, (done) => { button.textContent = `${done} of ${count}`; });
      const whole = performance.now() - begin;
      const stats = summary(times);
      const { known, opened } = connectionsOpened();
      result.replaceChildren(element("p", {},
        `${count} answers in ${duration(whole)}. Half of them took no more than ${duration(stats.median)}, ` +
        `99 of 100 no more than ${duration(stats.p99)}; the slowest took ${duration(stats.most)}. ` +
        (known ? `${opened || "None"} of the ${known} requests that the browser has timings of had to open a connection.` : "")));
      byId("histogram").replaceChildren(histogram(times, stats, widthOf(byId("histogram"))));
      const limit = axisLimit(stats);
      const { median, p95, most } = stats;
      const shape = bins(times, limit, 40).slice(0, 40);
      runs = [{ model, count, width, limit, shape, median, p95, most }, ...runs].slice(0, RUNS_MAX);
      saveRuns(runs);
      showRuns(runs);
    } catch (error) {
      result.replaceChildren(element("p", {}, `The measurement ended early: ${error.message}. Is the server still there?`));
    } finally {
      button.disabled = false;
      button.textContent = "Measure";
    }
  });
}

// ---- how the page arrived --------------------------------------------------------------------------------------------

function setUpWaterfall() {
  const place = byId("waterfall");
  if (!place || !performance.getEntriesByType) return;
  const page = performance.getEntriesByType("navigation")[0];
  const files = performance.getEntriesByType("resource")
    .filter((entry) => entry.name.startsWith(location.origin) && entry.responseEnd > 0);
  if (!page || page.responseEnd === 0 || files.length === 0) return;

  const name = (entry) => decodeURIComponent(new URL(entry.name).pathname.split("/").pop()) || "/";
  const rows = [page, ...files].sort((a, b) => a.startTime - b.startTime).slice(0, 40);
  const end = Math.max(...rows.map((entry) => entry.responseEnd), 0.1);
  byId("arrival").hidden = false;
  const wide = widthOf(place), labels = wide < 480 ? 142 : 170, row = 16;
  const x = (time) => labels + (time / end) * (wide - labels - 2);
  const svg = drawing("svg", {
    class: "plot", viewBox: `0 0 ${wide} ${rows.length * row + 24}`, width: wide, height: rows.length * row + 24, role: "img",
    "aria-label": `${rows.length} files, the last of them complete after ${duration(end)}`,
  });
  rows.forEach((entry, i) => {
    const y = i * row;
    const label = drawing("text", { x: 0, y: y + 11 });
    label.textContent = name(entry);
    const begin = entry.startTime;
    const first = Math.max(begin, entry.responseStart || begin);
    svg.append(label, drawing("line", { class: "faint", x1: labels, x2: wide, y1: y + row - 0.5, y2: y + row - 0.5 }),
      drawing("rect", { class: "waited", x: x(begin), y: y + 3, width: Math.max(0, x(first) - x(begin)), height: row - 7 }),
      drawing("rect", { class: "bar", x: x(first), y: y + 3, width: Math.max(1.5, x(entry.responseEnd) - x(first)), height: row - 7 }));
  });
  const last = drawing("text", { class: "end", x: wide - 2, y: rows.length * row + 17 });
  last.textContent = duration(end);
  const zero = drawing("text", { x: labels, y: rows.length * row + 17 });
  zero.textContent = "0";
  svg.append(zero, last);
  place.replaceChildren(svg);
}

// ---- the not-found page says what was asked for ----------------------------------------------------------------------

function setUpMissing() {
  const place = byId("missing");
  if (!place) return;
  let path = location.pathname.replace(/^\//, "");
  try { path = decodeURIComponent(path) } catch { /* shown as it came */ }
  place.textContent = path.length > 60 ? `${path.slice(0, 59)}…` : path;
}

setUpMissing();
setUpMeasuring();
if (document.readyState === "complete") setTimeout(setUpWaterfall);
else addEventListener("load", () => setTimeout(setUpWaterfall));
