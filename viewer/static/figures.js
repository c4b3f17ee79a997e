// Charts as SVG that keys and ears can read: a title, a sentence, values by arrow keys, and the same as a table.
import { fill, h } from "./dom.js";

const SPACE = "http://www.w3.org/2000/svg";
const NODE = 14;  // width of a node of flows
const LINE = 13;  // between two lines of names
const CHARACTER = 7;  // width of a letter of 11.5 px, with the space between two names

export const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  element.append(...children.flat());
  return element;
};

/** Round limits around `low` to `high`, and ticks. */
export function scale(low, high, count = 4) {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * 0.999) * power;
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  const ticks = Array.from({ length: Math.max(last, first + 1) - first + 1 }, (_, i) => (first + i) * step);
  return { from: ticks[0], to: ticks.at(-1), ticks, digits: Math.max(0, Math.min(3, Math.ceil(-Math.log10(step) - 1e-9) + (String(step).includes("25") ? 1 : 0))) };
}

/** A figure: heading, picture, readout, keys, and its values as a table behind a fold. */
export function card({ t, title, desc, picture, keys = [], table, controls }) {
  const readout = h("p", { class: "readout", role: "status" }, "\u00a0");
  const element = h("figure", { class: "chart-card" },
    h("figcaption", {}, h("h3", {}, title), desc && h("p", { class: "hint" }, desc)), controls ?? "",
    h("div", { class: "chart-scroll" }, picture.element), readout,
    keys.length > 0 && h("p", { class: "line-keys" }, keys.map(([kind, text]) => h("span", { class: `key ${kind}` }, text))),
    table && h("details", { class: "as-rows" }, h("summary", {}, t("charts.as_table")), tableOf(table)));
  picture.read((text) => { readout.textContent = text || "\u00a0"; });
  return element;
}

const tableOf = ({ head, rows, caption }) => h("div", { class: "rows-scroll", tabindex: "0" }, h("table", { class: "figures" },
  h("caption", {}, caption), h("thead", {}, h("tr", {}, head.map((text) => h("th", { scope: "col" }, text)))),
  h("tbody", {}, rows.map(([first, ...rest]) => h("tr", {}, h("th", { scope: "row" }, first), rest.map((text) => h("td", {}, text)))))));

/** Makes a picture's points readable: arrows walk, the pointer picks; `say(i)` gives the text of a point, `mark(i)` shows it. */
function readable(picture, { count, at, say, mark, label }) {
  let tell = () => {};
  let now = -1;
  picture.setAttribute("tabindex", "0");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  const show = (i) => { now = i; mark(i); tell(i < 0 ? "" : say(i)); };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const view = picture.viewBox.baseVal;
    const i = at(((event.clientX - box.left) / box.width) * view.width, ((event.clientY - box.top) / box.height) * view.height);
    if (i !== now) show(i);
  });
  picture.addEventListener("pointerleave", () => show(-1));
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 24, PageUp: -24, Home: -1e9, End: 1e9 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.max(0, Math.min(count - 1, now < 0 ? (step > 0 ? 0 : count - 1) : now + step)));
  });
  return { element: picture, read: (say) => { tell = say; } };
}

const [W, H, LEFT, RIGHT, TOP, BOTTOM] = [560, 230, 52, 10, 20, 26];

/** Units across a picture: fewer on a phone, where they would shrink the letters. */
const width = () => (matchMedia("(max-width: 760px)").matches ? 340 : W);

/** Axes. `room`: units for each name below, which is broken into lines then; without it names that touch are left out. */
function frame({ f, unit, range, xticks, x, width = W, room }) {
  const y = (value) => H - BOTTOM - ((value - range.from) / (range.to - range.from)) * (H - TOP - BOTTOM);
  const grid = range.ticks.map((value) => [svg("line", { class: value === 0 ? "grid zero" : "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, f.number(value, range.digits))]);
  const named = xticks.map(([i, text]) => [i, room ? broken(text, Math.floor(room / CHARACTER)) : [text]]);
  let end = -Infinity;
  const apart = named.filter(([i, [text]]) => {
    const half = (text.length * CHARACTER) / 2;
    if (!room && x(i) - half < end) return false;
    end = x(i) + half;
    return true;
  });
  const marks = apart.flatMap(([i, rows]) => rows.map((text, row) => svg("text", { class: "tick", x: x(i), y: H - 8 + LINE * row, "text-anchor": "middle" }, text)));
  const high = H + LINE * (Math.max(...named.map(([, rows]) => rows.length)) - 1);
  return { y, high, parts: [svg("text", { class: "tick unit", x: 0, y: 11 }, unit), ...grid.flat(), ...marks] };
}

/** A name in lines of at most `most` letters, broken between words and after a hyphen. */
function broken(text, most) {
  const rows = [];
  for (const word of text.match(/[^\s-]+-?\s*/g) ?? [text]) {
    if (rows.length && (rows.at(-1) + word).trim().length <= most) rows.push(rows.pop() + word);
    else rows.push(word);
  }
  return rows.map((row) => row.trim());
}

/** Lines over equal steps. `series`: [{kind, name, values}]. */
export function lines({ f, unit, series, xticks, name, label }) {
  const wide = width();
  const count = series[0].values.length;
  let [low, high] = [0, 0];
  for (const { values } of series) for (const v of values) { if (v > high) high = v; if (v < low) low = v; }
  const range = scale(low, high || 1);
  const x = (i) => LEFT + (i / Math.max(count - 1, 1)) * (wide - LEFT - RIGHT);
  const { y, parts } = frame({ f, unit, range, xticks, x, width: wide });
  const every = Math.max(1, Math.floor(count / 1200)); // a year of hours on 500 pixels
  const path = (values) => { let d = ""; for (let i = 0; i < count; i += every) d += `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(values[i]).toFixed(1)}`; return `${d}L${x(count - 1).toFixed(1)} ${y(values[count - 1]).toFixed(1)}`; };
  const cursor = svg("line", { class: "cursor-line", y1: TOP, y2: H - BOTTOM, visibility: "hidden" });
  const picture = svg("svg", { class: "chart big", viewBox: `0 0 ${wide} ${H}` }, ...parts, ...series.map((one) => svg("path", { class: `series ${one.kind}`, d: path(one.values) })), cursor);
  return readable(picture, {
    count, label,
    at: (px) => Math.max(0, Math.min(count - 1, Math.round(((px - LEFT) / (wide - LEFT - RIGHT)) * (count - 1)))),
    say: (i) => `${name(i)}: ${series.map((one) => `${one.name} ${f.quantity(one.values[i], unit, range.digits + 1)}`).join(" · ")}`,
    mark: (i) => { cursor.setAttribute("visibility", i < 0 ? "hidden" : "visible"); if (i >= 0) for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(i)); },
  });
}

/** Groups of bars; a bar may have an outline of what was before. `series`: [{kind, name, values, before}]; `short`: names that may be left out below. */
export function bars({ f, unit, series, names, short, label }) {
  const wide = short ? width() : W;
  const count = names.length;
  const all = series.flatMap((one) => [...one.values, ...(one.before ?? [])]).filter(Number.isFinite);
  const range = scale(Math.min(0, ...all), Math.max(0, ...all) || 1);
  const step = (wide - LEFT - RIGHT) / count;
  const middle = (i) => LEFT + (i + 0.5) * step;
  const below = (short ?? names).map((text, i) => [i, text]);
  const { y, high, parts } = frame({ f, unit, range, xticks: below, x: middle, width: wide, room: short ? 0 : step });
  const thick = Math.min(46, (step * 0.8) / series.length);
  const rect = (kind, value, i, k) => svg("rect", { class: kind, x: (middle(i) + (k - series.length / 2) * thick + 1).toFixed(1), width: Math.max(1, thick - 2).toFixed(1), y: y(Math.max(0, value)).toFixed(1), height: Math.abs(y(0) - y(value)).toFixed(1), rx: 1.5 });
  const groups = names.map((_, i) => svg("g", { class: "group" }, ...series.flatMap((one, k) => [one.before ? rect("bar was", one.before[i], i, k) : null, rect(`bar ${one.kind}`, one.values[i], i, k)]).filter(Boolean)));
  const picture = svg("svg", { class: short ? "chart big" : "chart big wide", viewBox: `0 0 ${wide} ${high}` }, ...parts, ...groups);
  return readable(picture, {
    count, label,
    at: (px) => Math.max(0, Math.min(count - 1, Math.floor((px - LEFT) / step))),
    say: (i) => `${names[i]}: ${series.map((one) => `${one.name} ${one.before ? `${f.quantity(one.before[i], unit, range.digits)} → ` : ""}${f.quantity(one.values[i], unit, range.digits)}`).join(" · ")}`,
    mark: (i) => groups.forEach((group, k) => group.classList.toggle("lit", k === i)),
  });
}

/** Steps that add up to a total, the last bar. `steps`: [{name, value}]. */
export function waterfall({ f, unit, steps, total, label, digits }) {
  let sum = 0;
  const spans = steps.map(({ value }) => { const from = sum; sum += value; return [from, sum]; });
  spans.push([0, sum]);
  const names = [...steps.map((one) => one.name), total];
  const range = scale(Math.min(0, ...spans.flat()), Math.max(0, ...spans.flat()) || 1);
  const step = (W - LEFT - RIGHT) / names.length;
  const middle = (i) => LEFT + (i + 0.5) * step;
  const { y, high, parts } = frame({ f, unit, range, xticks: names.map((text, i) => [i, text]), x: middle, room: step });
  const value = (i) => (i < steps.length ? steps[i].value : sum);
  const bars = spans.map(([a, b], i) => svg("g", { class: "group" },
    svg("rect", { class: `bar ${i === steps.length ? "sum" : b < a ? "less" : "more"}`, x: (middle(i) - step * 0.34).toFixed(1), width: (step * 0.68).toFixed(1), y: y(Math.max(a, b)).toFixed(1), height: Math.max(1, Math.abs(y(a) - y(b))).toFixed(1), rx: 1.5 }),
    svg("text", { class: "tick value-at", x: middle(i), y: y(Math.max(a, b)) - 4, "text-anchor": "middle" }, f.number(value(i), digits)),
    i < steps.length ? svg("line", { class: "joint", x1: middle(i) + step * 0.34, x2: middle(i + 1) - step * 0.34, y1: y(b), y2: y(b) }) : ""));
  const picture = svg("svg", { class: "chart big wide", viewBox: `0 0 ${W} ${high}` }, ...parts, ...bars);
  return readable(picture, {
    count: names.length, label,
    at: (px) => Math.max(0, Math.min(names.length - 1, Math.floor((px - LEFT) / step))),
    say: (i) => `${names[i]}: ${f.quantity(value(i), unit, digits)}`,
    mark: (i) => bars.forEach((bar, k) => bar.classList.toggle("lit", k === i)),
  });
}

/** Where a node's name lies over no other: above it, else below, else beside. `taken`: boxes so far, added to. */
function free(text, { x, y, high }, most, taken) {
  const [wide, tall] = [text.length * CHARACTER, LINE];
  const anchor = x > W * 0.6 ? "end" : x > W * 0.2 ? "middle" : "start";
  const from = { start: 0, middle: -0.5, end: -1 };
  const middle = anchor === "middle" ? x + NODE / 2 : anchor === "end" ? x + NODE : x;
  const level = y + high / 2 + 4;
  const places = [
    { x: middle, y: y - 5, anchor }, { x: middle, y: y + high + 12, anchor },
    { x: x + NODE + 5, y: level, anchor: "start" }, { x: x - 5, y: level, anchor: "end" },
    { x: middle, y: y - 5 - tall, anchor }, { x: middle, y: y + high + 12 + tall, anchor },
  ].map((one) => ({ ...one, left: one.x + from[one.anchor] * wide }));
  const fits = ({ left, y: base }) => left >= 0 && left + wide <= W && base > tall && base < most
    && taken.every((other) => left > other.right || left + wide < other.left || base - tall > other.base || base < other.base - tall);
  const found = places.find(fits) ?? places[0];
  taken.push({ left: found.left, right: found.left + wide, base: found.y });
  return found;
}

/** Flows between nodes in columns. `nodes`: [[id, title]], `links`: [[from, to, value]]; columns follow from the links. */
export function sankey({ f, unit, nodes, links, label }) {
  const HIGH = 314;
  const titles = new Map(nodes);
  const depth = new Map(nodes.map(([id]) => [id, 0]));
  for (let round = 0; round < 4; round++) for (const [a, b] of links) depth.set(b, Math.max(depth.get(b), depth.get(a) + 1));
  if (depth.has("primary")) depth.set("primary", Math.max(...depth.values()));
  const size = (id) => Math.max(links.filter((l) => l[0] === id).reduce((s, l) => s + l[2], 0), links.filter((l) => l[1] === id).reduce((s, l) => s + l[2], 0));
  const last = Math.max(...depth.values());
  const columns = Array.from({ length: last + 1 }, (_, i) => nodes.map(([id]) => id).filter((id) => depth.get(id) === i));
  const GAP = 26;
  const unitHeight = Math.min(...columns.filter((c) => c.length).map((c) => (HIGH - 38 - GAP * (c.length - 1)) / c.reduce((s, id) => s + size(id), 0)));
  const place = new Map();
  columns.forEach((ids, i) => {
    let y = 34;
    for (const id of ids) { place.set(id, { x: 2 + (i / Math.max(last, 1)) * (W - 18), y, high: Math.max(1.5, size(id) * unitHeight), out: 0, in: 0 }); y += size(id) * unitHeight + GAP; }
  });
  const flows = links.map(([a, b, value]) => {
    const [from, to] = [place.get(a), place.get(b)];
    const thick = value * unitHeight;
    const [y1, y2] = [from.y + from.out + thick / 2, to.y + to.in + thick / 2];
    from.out += thick; to.in += thick;
    const [x1, x2] = [from.x + NODE, to.x];
    const mid = (x1 + x2) / 2;
    return svg("path", { class: `flow ${b.startsWith("carrier.") ? b.slice(8) : a.startsWith("carrier.") ? a.slice(8) : b === "pv" ? "pv" : ""}`, d: `M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}`, "stroke-width": Math.max(1, thick).toFixed(1) });
  });
  const taken = [];
  const boxes = [...place].map(([id, { x, y, high }]) => {
    const text = `${titles.get(id)} ${f.number(size(id), 0)}`;
    const at = free(text, { x, y, high }, HIGH, taken);
    return svg("g", {}, svg("rect", { class: "node", x, y, width: NODE, height: high }),
      svg("text", { class: "tick node-name", x: at.x, y: at.y, "text-anchor": at.anchor }, text));
  });
  const picture = svg("svg", { class: "chart big wide sankey", viewBox: `0 0 ${W} ${HIGH}` },
    svg("text", { class: "tick unit", x: 0, y: 10 }, unit), ...flows, ...boxes);
  return readable(picture, {
    count: links.length, label,
    at: () => -1,
    say: (i) => `${titles.get(links[i][0])} → ${titles.get(links[i][1])}: ${f.quantity(links[i][2], unit, 0)}`,
    mark: (i) => flows.forEach((flow, k) => flow.classList.toggle("lit", k === i)),
  });
}

