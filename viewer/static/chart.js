// A line chart of a history: band from least to greatest, flags, what the model says; readable by keys and ears.
import { h } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [340, 210, 42, 8, 14, 24];
const ZONE = "Europe/Berlin";
const STEP_S = { hour: 3600, day: 86400 };

const svg = (tag, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
};

/** Draw `data` (see viewer/history.py) into `element`. */
export function lineChart(element, data, { t, f, language }) {
  const locale = language === "en" ? "en-GB" : language;
  const when = new Intl.DateTimeFormat(locale, { timeZone: ZONE, day: "2-digit", month: "2-digit", ...(data.step === "day" ? { year: "numeric" } : { hour: "2-digit", minute: "2-digit" }) });
  const known = [...data.v, ...data.low, ...data.high, ...(data.model ?? [])].filter((v) => v !== null);
  if (!known.length) {
    element.replaceChildren(h("p", { class: "hint chart-empty" }, t("sensor.no_values")));
    return;
  }
  const [bottom, top, ticks] = scale(Math.min(...known), Math.max(...known), data.sums);
  const x = (time) => LEFT + ((time - data.from) / (data.to - data.from)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => HEIGHT - BOTTOM - ((value - bottom) / (top - bottom)) * (HEIGHT - TOP - BOTTOM);
  const middle = (i) => data.t[i] + (STEP_S[data.step] ?? 0) / 2;
  const digits = decimals(ticks);
  const grid = ticks.map((value) => svg("g", {}, svg("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }),
    svg("text", { class: "tick", x: LEFT - 5, y: y(value) + 3.5, "text-anchor": "end" }, f.number(value, digits))));
  const days = timeTicks(data, locale).map(([time, label]) => svg("g", {}, svg("line", { class: "grid", x1: x(time), x2: x(time), y1: HEIGHT - BOTTOM, y2: HEIGHT - BOTTOM + 4 }),
    svg("text", { class: "tick", x: x(time), y: HEIGHT - 7, "text-anchor": x(time) > WIDTH - 20 ? "end" : "middle" }, label)));
  const runs = pieces(data);
  const path = (values) => runs.map((run) => run.filter((i) => values[i] !== null).map((i, k) => `${k ? "L" : "M"}${x(middle(i)).toFixed(1)} ${y(values[i]).toFixed(1)}`).join("")).join("");
  const band = data.sums ? "" : runs.map((run) => {
    const own = run.filter((i) => data.low[i] !== null);
    if (own.length < 2) return "";
    return `${own.map((i, k) => `${k ? "L" : "M"}${x(middle(i)).toFixed(1)} ${y(data.high[i]).toFixed(1)}`).join("")}${own.reverse().map((i) => `L${x(middle(i)).toFixed(1)} ${y(data.low[i]).toFixed(1)}`).join("")}Z`;
  }).join("");
  const lone = runs.map((run) => run.filter((i) => data.v[i] !== null)).filter((run) => run.length === 1)
    .map(([i]) => svg("circle", { class: "point", cx: x(middle(i)).toFixed(1), cy: y(data.v[i]).toFixed(1), r: 2.2 }));
  // What is called bad may lie far outside: its mark then stands at the edge that it is beyond.
  const inside = (value) => Math.min(top, Math.max(bottom, value));
  const marks = data.flags.map(([i, flag, bad]) => mark(x(middle(i)), flag === 9 ? HEIGHT - BOTTOM - 5 : y(inside(bad ?? data.v[i] ?? bottom)), flag));
  const cursor = svg("g", { class: "cursor", visibility: "hidden" }, svg("line", { y1: TOP, y2: HEIGHT - BOTTOM }), svg("circle", { r: 3.5 }));
  const last = data.v.reduce((at, v, i) => (v === null ? at : i), -1);
  const said = t("sensor.chart_label", {
    title: data.title, unit: data.unit || "–", low: f.number(Math.min(...known), digits), high: f.number(Math.max(...known), digits), last: last < 0 ? "–" : f.number(data.v[last], digits + 1),
  });
  const picture = svg("svg", { class: "chart line", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", tabindex: "0", "aria-label": said },
    svg("text", { class: "tick", x: 0, y: 9 }, data.unit), ...grid, ...days,
    svg("path", { class: "band", d: band }), svg("path", { class: "model", d: data.model ? path(data.model) : "" }),
    svg("path", { class: "value", d: path(data.v) }), ...lone, ...marks, cursor);
  const readout = h("p", { class: "readout", role: "status" });
  const points = data.t.map((_, i) => i).filter((i) => data.v[i] !== null);
  let at = -1;
  const show = (k) => {
    at = k;
    const i = points[k];
    cursor.setAttribute("visibility", i === undefined ? "hidden" : "visible");
    if (i === undefined) return void (readout.textContent = "\u00a0");
    const [px, py] = [x(middle(i)), y(data.v[i])];
    picture.dataset.time = data.t[i];
    for (const [name, value] of [["x1", px], ["x2", px]]) cursor.firstChild.setAttribute(name, value);
    cursor.lastChild.setAttribute("cx", px);
    cursor.lastChild.setAttribute("cy", py);
    const flag = data.flags.find(([row]) => row === i)?.[1];
    readout.textContent = [
      `${when.format(data.t[i] * 1000)}: ${f.quantity(data.v[i], data.unit, digits + 1)}`,
      !data.sums && data.high[i] !== data.low[i] && data.low[i] !== null ? `(${f.number(data.low[i], digits + 1)} – ${f.number(data.high[i], digits + 1)})` : "",
      data.model?.[i] ? `${t("sensor.simulated_short")} ${f.quantity(data.model[i], data.unit, digits + 1)}` : "", flag ? t(`flag.${flag}`) : "",
    ].filter(Boolean).join(" ");
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const time = data.from + (((event.clientX - box.left) / box.width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT) * (data.to - data.from);
    show(points.reduce((best, i, k) => (Math.abs(middle(i) - time) < Math.abs(middle(points[best]) - time) ? k : best), 0));
  });
  picture.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, PageUp: 24, PageDown: -24, Home: -1e9, End: 1e9 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Math.max(0, Math.min(points.length - 1, (at < 0 ? points.length - 1 : at) + step)));
  });
  show(-1);
  const before = element.querySelector("svg.line");
  const focused = before !== null && before === document.activeElement;
  const keys = [
    h("span", { class: "key-value" }, t(data.sums ? `sensor.key_sum_${data.step}` : "sensor.key_value")),
    data.model && h("span", { class: "key-model" }, t("sensor.key_model")),
    data.flags.some(([, flag]) => flag === 3) && h("span", { class: "key-suspect" }, t("flag.3")),
    data.flags.some(([, flag]) => flag === 4) && h("span", { class: "key-bad" }, t("flag.4")),
    data.flags.some(([, flag]) => flag === 9) && h("span", { class: "key-missing" }, t("flag.9")),
  ].filter(Boolean);
  element.replaceChildren(picture, readout, h("p", { class: "line-keys" }, keys));
  // A chart is drawn anew every minute: who reads it by keys stays where they were.
  if (focused) {
    picture.focus({ preventScroll: true });
    if (before.dataset.time) show(Math.max(0, points.findLastIndex((i) => data.t[i] <= Number(before.dataset.time))));
  }
}

/** Runs of points that a line joins: the server says where it breaks. */
function pieces(data) {
  const breaks = new Set(data.breaks);
  const runs = [];
  data.t.forEach((_, i) => {
    if (i && !breaks.has(i) && data.v[i - 1] !== null) runs.at(-1).push(i);
    else runs.push([i]);
  });
  return runs;
}

/** Shape and colour tell the flag: open triangle suspect, cross bad, dot missing. */
function mark(x, y, flag) {
  if (flag === 3) return svg("path", { class: "flag suspect", d: `M${x.toFixed(1)} ${(y - 5).toFixed(1)}l4.500 8h-9z` });
  if (flag === 4) return svg("path", { class: "flag bad", d: `M${(x - 3.5).toFixed(1)} ${(y - 3.5).toFixed(1)}l7 7m0-7l-7 7` });
  return svg("circle", { class: "flag missing", cx: x.toFixed(1), cy: y.toFixed(1), r: 2 });
}

/** Round limits and ticks; sums start at 0. */
function scale(low, high, sums) {
  const from = sums ? Math.min(0, low) : low;
  const span = high - from || Math.abs(high) || 1;
  const rough = span / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].find((m) => m * power >= rough * 0.999) * power;
  const first = Math.floor(from / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return [first * step, last * step, Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step)];
}

function decimals(ticks) {
  const step = ticks[1] - ticks[0];
  return Math.max(0, Math.min(3, Math.ceil(-Math.log10(step) - 1e-9) + (Number.isInteger(step) || `${step}`.includes("25") === false ? 0 : 1)));
}

/** A few round moments of the range, on Berlin's clock, with what to write there. */
function timeTicks(data, locale) {
  const parts = (time, options) => new Intl.DateTimeFormat(locale, { timeZone: ZONE, ...options }).format(time * 1000);
  const hourOf = (time) => Number(new Intl.DateTimeFormat("en-GB", { timeZone: ZONE, hour: "2-digit", hourCycle: "h23" }).format(time * 1000));
  const dayOf = (time) => Number(parts(time, { day: "numeric" }).replace(/\D/g, ""));
  const found = [];
  for (let time = Math.ceil(data.from / 3600) * 3600; time <= data.to; time += 3600) {
    const hour = hourOf(time);
    if (data.range === "day") { if (hour % 6 === 0) found.push([time, parts(time, { hour: "2-digit", minute: "2-digit" })]); }
    else if (hour === 0) {
      if (data.range === "week") found.push([time, parts(time, { weekday: "short" })]);
      else if (data.range === "month" && [1, 8, 15, 22].includes(dayOf(time))) found.push([time, parts(time, { day: "numeric", month: "numeric" })]);
      else if (data.range === "year" && dayOf(time) === 1 && Number(parts(time, { month: "numeric" }).replace(/\D/g, "")) % 2) found.push([time, parts(time, { month: "short" })]);
    }
  }
  return found;
}
