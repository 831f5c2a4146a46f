// compare.html answers a question: the measured points that are nearest to it, and what each server did there. Nothing
// is calculated for what lies between them.

const PARAMETERS = ["connections", "size", "cold", "cpus"];
const NEIGHBOURS = 2; // shown besides the nearest
const LEVEL = 1.05; // a difference that means nothing
const NAMED_FIGURES = 3;
const FAILING = 0.01; // of the answers; errors are cheap

const byId = (id) => document.getElementById(id);

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function drawing(name, attributes, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// ---- how figures are written, as columns.py does --------------------------------------------------------------------

// Halves go up, in binary too.
const fixed = (value, digits) => (value * (1 + 1e-12)).toFixed(digits);
const grouped = (value) => Number(fixed(value, 0)).toLocaleString("en");

function number(value) {
  if (value >= 10000) return grouped(value);
  return fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

const TEXTS = {
  number,
  count: grouped,
  duration: (us) => (us >= 1e6 ? `${number(us / 1e6)} s` : us >= 1e3 ? `${number(us / 1e3)} ms` : `${number(us)} µs`),
  percent: (value) => `${fixed(100 * value, value >= 0.1 ? 0 : 2)}%`,
  times: (value) => `${number(value)}×`,
  size: (value) => `${fixed(value / 2 ** 20, 1)} MiB`,
  pace: (value) => (value >= 1e8 ? `${fixed(value / 1e9, 2)} GB/s` : `${fixed(value / 1e6, 1)} MB/s`),
};

function sizeText(bytes) {
  if (bytes >= 2 ** 20) return `${+(bytes / 2 ** 20).toPrecision(3)} MiB`;
  return bytes >= 1024 ? `${+(bytes / 1024).toPrecision(3)} KiB` : `${+bytes.toPrecision(3)} bytes`;
}

const SAID = {
  connections: (value) => (value === 1 ? "1 connection" : `${grouped(value)} connections`),
  size: sizeText,
  cold: (value) => (value === 0 ? "nothing cold" : `${+(100 * value).toPrecision(3)} % cold`),
  cpus: (value) => (value === 1 ? "1 CPU" : `${value} CPUs`),
};

const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

// ---- which points are near ------------------------------------------------------------------------------------------

// How far apart two points are, in steps of about the width in which they were measured.
function distance(a, b) {
  const cold = (share) => (share > 0.01 ? 2 + Math.log10(share) : 0);
  return Math.abs(Math.log(a.connections / b.connections)) / Math.log(8)
    + Math.abs(Math.log(a.size / b.size)) / Math.log(14)
    + 1.5 * Math.abs(cold(a.cold) - cold(b.cold))
    + 1.5 * Math.abs(Math.log2(a.cpus / b.cpus));
}

const FAR = 1; // from here on it is said that it is far

function nearest(points, question) {
  return points.map((point) => ({ point, far: distance(point, question) })).sort((a, b) => a.far - b.far)
    .slice(0, 1 + NEIGHBOURS);
}

function differences(point, question) {
  return PARAMETERS.filter((key) => Math.abs(point[key] - question[key]) > 0.001 * question[key])
    .map((key) => `${SAID[key](point[key])} where you asked for ${SAID[key](question[key])}`);
}

// ---- who is best there ----------------------------------------------------------------------------------------------

function rows(data, work, key) {
  const { less } = data.figures[key];
  return data.result.servers.filter(({ name, kind }) => kind !== "floor" && work.cells[name]?.[key] != null)
    .map(({ name, kind }) => {
      const cell = work.cells[name];
      const [low, high] = cell[`${key}_range`];
      return { name, kind, cell, value: cell[key], low, high, fails: (cell.failed ?? 0) > FAILING };
    })
    .sort((a, b) => a.fails - b.fails || (less ? a.value - b.value : b.value - a.value));
}

// How many times better b is than a.
const gain = (less, a, b) => (less ? a / b : b / a);
const overlaps = (a, b) => a.low <= b.high && b.low <= a.high;

function loss(less, best, row) {
  const times = less ? row.value / best.value : best.value / row.value;
  if (!Number.isFinite(times)) return "";
  if (row === best || Math.abs(times - 1) < 0.005) return "±0 %";
  if (times >= 3 && less) return `${number(times)}× as much`;
  const change = less ? times - 1 : 1 / times - 1;
  return `${change > 0 ? "+" : "−"}${Math.abs(100 * change).toFixed(times >= 10 ? 1 : 0)} %`;
}

// Those that this run does not tell from the best.
function levelWith(less, best, others) {
  return others.filter((row) => overlaps(row, best) || gain(less, row.value, best.value) < LEVEL);
}

function verdict(data, work, key) {
  const { less, caption, text } = data.figures[key];
  const said = TEXTS[text];
  const all = rows(data, work, key).filter((row) => !row.fails);
  const models = all.filter((row) => row.kind === "model");
  if (models.length === 0) return [element("p", {}, "No model of httpd was measured here.")];
  const best = models[0];
  const level = levelWith(less, best, models.slice(1));
  const others = models.filter((row) => row !== best && !level.includes(row));
  const range = work.rounds > 1 ? ` (${said(best.low)} to ${said(best.high)} in ${work.rounds} rounds)` : "";
  const sentences = [element("p", {}, element("b", {}, best.name), `: ${said(best.value)} ${caption}${range}, `
    + `the ${less ? "least" : "most"} of the models measured. `,
    level.length ? `Not told apart from it: ${list(level.map((row) => row.name))}. ` : "",
    others.length ? `What another loses: ${list(others.map((row) => `${row.name} ${loss(less, best, row)}`))}.` : "")];
  const peers = all.filter((row) => row.kind === "peer" && !overlaps(row, best)
    && gain(less, best.value, row.value) > LEVEL);
  if (peers.length) {
    const why = [work.why, ...peers.filter((row) => data.reasons[work.name]?.[row.name])
      .map((row) => `${row.name} ${data.reasons[work.name][row.name]}.`)].join(" ");
    const names = peers.map((row) => `${row.name} (${said(row.value)}, ${number(gain(less, best.value, row.value))}×)`);
    sentences.push(element("p", {}, element("b", {}, `Here ${list(names)} ${peers.length > 1 ? "are" : "is"} better`),
      ` than any model. ${why}`));
  }
  return sentences;
}

// ---- the answer -----------------------------------------------------------------------------------------------------

function bar(row, scale) {
  const x = (value) => `${Math.min(100 * value / scale, 100)}%`;
  return drawing("svg", { class: "spread", width: "100%", height: 14, "aria-hidden": "true" },
    drawing("rect", { class: `of-${row.kind}`, x: 0, y: 3, height: 8, width: x(row.value) }),
    drawing("line", { class: "range", x1: x(row.low), x2: x(row.high), y1: 7, y2: 7 }));
}

function table(data, work, key) {
  const { less, caption, text } = data.figures[key];
  const all = rows(data, work, key);
  const best = all.find((row) => row.kind === "model" && !row.fails);
  const scale = Math.max(...all.map((row) => row.high));
  const others = work.shown.filter((other) => other !== key).slice(0, NAMED_FIGURES);
  const heads = ["server", caption, "drawn, with the range", "lowest to highest", "against the best model",
    ...others.map((other) => data.figures[other].caption)];
  const body = all.map((row) => {
    const cells = [TEXTS[text](row.value), bar(row, scale), `${TEXTS[text](row.low)} to ${TEXTS[text](row.high)}`,
      row.fails ? "fails" : best ? loss(less, best, row) : "",
      ...others.map((other) => (row.cell[other] == null ? "–" : TEXTS[data.figures[other].text](row.cell[other])))];
    const key = element("span", { class: `key of-${row.kind}` });
    return element("tr", {}, element("th", { scope: "row" }, key, row.name),
      ...cells.map((cell) => element("td", {}, cell)));
  });
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": `${caption}: ${work.title}` },
    element("table", { class: "figures" },
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element("tbody", {}, ...body)));
}

function leftOut(work) {
  const reasons = new Map();
  for (const [name, why] of Object.entries(work.left_out)) reasons.set(why, [...(reasons.get(why) ?? []), name]);
  return [...reasons].map(([why, names]) => `${list(names)}: ${why}`).join("; ");
}

function circumstances(data, work) {
  const { machine, date, parameters } = data.result;
  const [server, clients] = parameters.cpus[work.cpus] ?? [[], []];
  const shared = server.some((cpu) => clients.includes(cpu)) ? "; the clients share the server’s CPUs" : "";
  return `${machine.cpu}, ${machine.cpus} CPUs, ${machine.kernel}, ${date.slice(0, 10)}; `
    + `${work.rounds} rounds of ${work.seconds} s${shared}.`;
}

function shown(data, work, key) {
  const missing = leftOut(work);
  return [element("p", {}, work.about), ...verdict(data, work, key), table(data, work, key),
    ...(missing ? [element("p", { class: "note after" }, `Not measured here: ${missing}.`)] : []),
    element("p", { class: "note after" }, circumstances(data, work), " ",
      element("a", { href: `#work-${work.name}` }, "All figures of this work"), ".")];
}

function figureOf(work, wanted) {
  return work.shown.includes(wanted) ? wanted : work.shown[0];
}

function answerPoints(data, points, question, wanted) {
  const [first, ...others] = nearest(points, question);
  const differs = differences(first.point, question);
  const notes = differs.length ? [element("p", {}, `It has ${list(differs)}.`
    + (first.far > FAR ? " That is far from your question, so take it for a hint." : ""))] : [];
  return [element("h3", {}, `${differs.length ? "Nearest measured" : "Measured"}: ${first.point.title}`), ...notes,
    ...shown(data, first.point, figureOf(first.point, wanted)),
    ...others.map(({ point }) => element("details", {},
      element("summary", {}, `Near, too: ${point.title}: ${bestOf(data, point, figureOf(point, wanted))}`),
      ...shown(data, point, figureOf(point, wanted))))];
}

function bestOf(data, work, key) {
  const { less } = data.figures[key];
  const [best, ...others] = rows(data, work, key).filter((row) => row.kind === "model" && !row.fails);
  if (!best) return "no model";
  const level = levelWith(less, best, others);
  if (level.length > 2) return `${best.name} (${level.length} others are level with it)`;
  return list([best, ...level].map((row) => row.name));
}

// ---- the form -------------------------------------------------------------------------------------------------------

function setUp() {
  const form = byId("ask");
  const data = JSON.parse(byId("measured").textContent);
  const works = data.result.works.filter((work) => Object.keys(work.cells).length > 0);
  const points = works.filter((work) => work.point);
  const { work: which, unit, figure } = form.elements;
  for (const work of works.filter((each) => !each.point)) {
    which.append(element("option", { value: work.name }, work.title));
  }

  const chosen = () => works.find((each) => each.name === which.value);

  function offerFigures(keys) {
    const before = figure.value;
    figure.replaceChildren(...keys.map((key) => element("option", { value: key }, data.figures[key].caption)));
    if (keys.includes(before)) figure.value = before;
  }

  function question() {
    const value = (name) => form.elements[name].valueAsNumber;
    return {
      connections: value("connections"), size: value("size") * Number(unit.value), cold: value("cold") / 100,
      cpus: value("cpus"),
    };
  }

  // In the address, so that an answer can be shown to others.
  function remember() {
    const fields = new URLSearchParams(new FormData(form));
    history.replaceState(null, "", `#?${fields}`);
  }

  function recall() {
    if (!location.hash.startsWith("#?")) return;
    for (const [name, value] of new URLSearchParams(location.hash.slice(2))) {
      if (name === "figure") offerFigures(chosen()?.shown ?? points[0].shown);
      if (form.elements[name] && value) form.elements[name].value = value;
    }
  }

  function answer() {
    const work = chosen();
    for (const name of [...PARAMETERS, "unit"]) form.elements[name].disabled = Boolean(work);
    offerFigures((work ?? points[0]).shown);
    if (!form.checkValidity()) {
      byId("answer").replaceChildren(element("p", {}, "The question needs numbers: "
        + "connections and CPUs from 1, a size above 0, and 0 to 100 percent."));
      byId("short").textContent = "";
      return false;
    }
    const nearby = work ?? nearest(points, question())[0].point;
    byId("short").textContent = `${bestOf(data, nearby, figureOf(nearby, figure.value))}: ${nearby.title}`;
    byId("answer").replaceChildren(...(work
      ? [element("h3", {}, `Measured: ${work.title}`), ...shown(data, work, figure.value)]
      : answerPoints(data, points, question(), figure.value)));
    return true;
  }

  if (points.length === 0) {
    byId("short").textContent = "No points were measured in this run, so it answers no question.";
    return;
  }
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { if (answer()) remember(); });
  recall();
  answer();
}

setUp();
