// What the public page and the manager's app share: frame, legend, sun, table, selection panel.
import { byId, fill, h } from "./dom.js";

/** Tabs on phones, 3D or table, the notice, and the tooltip over the scene. */
export function frame({ onTable, onEscape, onView }) {
  const sheet = byId("sheet");
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const open = (name, fold = false) => {
    document.body.dataset.tab = name;
    sheet.classList.toggle("folded", fold);
    for (const tab of tabs) {
      tab.setAttribute("aria-selected", String(tab.dataset.tab === name));
      tab.tabIndex = tab.dataset.tab === name ? 0 : -1;
    }
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () =>
      open(tab.dataset.tab, document.body.dataset.tab === tab.dataset.tab && !sheet.classList.contains("folded")));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(index + step + tabs.length) % tabs.length];
      open(next.dataset.tab);
      next.focus();
    });
  });
  const views = ["3d", "table", "charts"].filter((name) => byId(`view-${name}`));
  let view = "3d";
  const showView = (name) => {
    const before = view;
    view = name;
    for (const one of views) byId(`view-${one}`).setAttribute("aria-pressed", String(one === name));
    for (const one of views.slice(1)) byId(one).hidden = one !== name;
    document.body.classList.toggle("as-table", name !== "3d");
    if (name !== "3d" && matchMedia("(max-width: 760px)").matches) open(document.body.dataset.tab, true);
    if ((before === "table") !== (name === "table")) onTable(name === "table");
    if (before !== name) onView?.(name);
  };
  const showTable = (on) => showView(on ? "table" : "3d");
  for (const name of views) byId(`view-${name}`).addEventListener("click", () => showView(name));
  const notice = byId("notice");
  byId("notice-open").addEventListener("click", () => notice.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) onEscape();
  });
  open(document.body.dataset.tab);
  /** On a phone: let the sheet down, so that the picture is seen. */
  const fold = () => { if (matchMedia("(max-width: 760px)").matches) open(document.body.dataset.tab, true); };
  return { open, fold, showTable, showView, tooltip: tooltip() };
}

function tooltip() {
  const box = byId("tooltip");
  const scene = byId("scene");
  let pointer = { x: 0, y: 0 };
  const place = () => {
    const size = scene.getBoundingClientRect();
    box.style.left = `${Math.min(pointer.x + 16, size.width - box.offsetWidth - 8)}px`;
    box.style.top = `${Math.max(8, Math.min(pointer.y + 18, size.height - box.offsetHeight - 8))}px`;
  };
  scene.addEventListener("pointermove", (event) => {
    const size = scene.getBoundingClientRect();
    pointer = { x: event.clientX - size.left, y: event.clientY - size.top };
    if (!box.hidden) place();
  });
  scene.addEventListener("pointerleave", () => { box.hidden = true; });
  return (title, line, at) => {
    box.hidden = !title;
    if (!title) return;
    if (at) pointer = { x: at[0], y: at[1] };
    box.replaceChildren(h("b", {}, title), ...(line || "").split("\n").map((text) => h("span", {}, text)));
    place();
  };
}

/** The scene is drawn, or says why not. */
export function loaded(error) {
  const box = byId("loading");
  if (error) {
    box.classList.add("failed");
    box.lastChild.textContent = error;
  } else box.classList.add("done");
}

/** A message above everything, with what to do about it. Commands in it stand between backticks, as in a terminal.
 * It stays until it is closed, another one comes, or what it is `about` is overtaken. */
export function toast(message, action, onAction, { about = "", role = "alert" } = {}) {
  document.querySelector(".toast")?.remove();
  const box = h("div", { class: "toast", role, "data-about": about }, h("span", {}, String(message).split("`").map((part, i) => (i % 2 ? h("code", {}, part) : part))),
    action && h("button", { type: "button", onclick: () => { box.remove(); onAction?.(); } }, action));
  document.body.append(box);
  return box;
}

/** Somebody acts again on what a message is `about`: what it said of the act before is over. Whether there was one. */
export function overtaken(about) {
  const standing = document.querySelector(`.toast[data-about="${about}"]`);
  standing?.remove();
  return Boolean(standing);
}

/** Colour-by list with its legend. `options`: [{id, title}]. */
export function legend(element, { t, f, options, frames, frame, onColour, onFrame }) {
  const select = h("select", { id: "colour", onchange: () => onColour(select.value) },
    options.map((option) => h("option", { value: option.id }, option.title)));
  const body = h("div", {});
  const frameChoice = frames && choice(t("public.frame"), "frame", frames, frame ?? frames[0].id, onFrame);
  element.replaceChildren(
    h("div", { class: "head" }, h("label", { class: "label", for: "colour" }, t("colour.title")), select), body, frameChoice || "");
  return (id, layer) => {
    select.value = id;
    frameChoice?.toggleAttribute("hidden", !layer.framed);
    body.replaceChildren(...(layer.categories.length ? classes(layer, f) : scale(layer, f)),
      h("div", { class: "missing" }, swatch(layer.missing), t("colour.missing")),
      h("p", { class: "note" }, layer.note));
  };
}

function swatch(colour) {
  const box = h("span", { class: "swatch", "aria-hidden": "true" });
  box.style.background = colour;
  return box;
}

function classes(layer, f) {
  return [h("ul", { class: "classes" }, layer.categories.map((c) =>
    h("li", {}, swatch(c.colour), c.label, h("span", { class: "n" }, f.number(c.count)))))];
}

/** Keeps the first and the last of a scale's labels, and of the others those that touch none. */
function clearOf(place) {
  const share = (words) => words.length * 0.029;  // of the scale's width, by digits of 12 px
  let end = 0;
  return ([value, words], i, all) => {
    const [wide, middle] = [share(words), place(value)];
    if (i === 0) { end = wide; return true; }
    if (i === all.length - 1) return true;
    const [left, right] = [middle - wide / 2, middle + wide / 2];
    if (left < end + 0.02 || right > 1 - share(all.at(-1)[1]) - 0.02) return false;
    end = right;
    return true;
  };
}

function scale(layer, f) {
  const canvas = h("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const gradient = context.createLinearGradient(0, 0, 256, 0);
  layer.palette.forEach((colour, i) => gradient.addColorStop(i / (layer.palette.length - 1), colour));
  context.fillStyle = gradient;
  context.fillRect(0, 0, 256, 1);
  const ticks = layer.ticks.length ? layer.ticks : [layer.min, layer.max];
  const digits = ticks.every(Number.isInteger) ? 0 : 1;
  const place = (value) => layer.log ? Math.log(value / layer.min) / Math.log(layer.max / layer.min) : (value - layer.min) / (layer.max - layer.min);
  const year = layer.id === "year";
  const last = layer.over ? "≥\u202f" : "";
  const text = (value, i) => (i === ticks.length - 1 ? last : "") + (year ? String(value) : f.number(value, layer.log && value % 1 ? 1 : layer.log ? 0 : digits));
  const labels = ticks.map((value, i) => [value, text(value, i)]).filter(clearOf(place)).map(([value, words]) => {
    const label = h("span", {}, words);
    label.style.left = `${100 * place(value)}%`;
    return label;
  });
  return [layer.unit && h("p", { class: "unit" }, layer.unit), h("div", { class: "scale" }, canvas, h("div", { class: "ticks" }, labels))].filter(Boolean);
}

/** A group of radio buttons that looks like one switch. */
export function choice(label, name, options, value, onChoice, hint, title) {
  return h("fieldset", { class: "choice", title: title || null }, h("legend", {}, label),
    h("div", { class: "options" }, options.map((option) => h("label", {},
      h("input", { type: "radio", name, value: option.id, checked: option.id === value, disabled: Boolean(option.disabled), onchange: () => onChoice(option.id) }),
      option.title))), hint ? h("p", { class: "hint" }, hint) : "");
}

/** Fill of a slider's track up to its thumb. */
export function fillTrack(input) {
  input.style.setProperty("--fill", `${(100 * (input.value - input.min)) / (input.max - input.min)}%`);
}

const pad = (value) => String(value).padStart(2, "0");

/** UTC moment of a local date and hour in Germany: `hour` may be a fraction. */
export function localToUtc(date, hour) {
  const guess = Date.parse(`${date}T00:00:00Z`) + hour * 3600e3;
  const offset = (moment) => {
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-GB", {
      timeZone: "Europe/Berlin", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    }).formatToParts(moment).map((p) => [p.type, p.value]));
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) - Math.floor(moment / 60e3) * 60e3;
  };
  return new Date(guess - offset(guess - offset(guess)));
}

const HOURS_PER_S = 2;

/**
 * Date and hour for sun and shadow; `onSun` gets an ISO time in UTC, and whether the day is playing. Where people
 * want less motion, playing is one step of an hour.
 */
export function sun(element, { t, onSun, at = "", onChange }) {
  const year = new Date().getFullYear();
  const state = { date: `${year}-06-21`, hour: 15 };
  const [, day, clockHour] = at.match(/^(\d{4}-\d\d-\d\d)T(\d{1,2}(?:\.\d+)?)$/) ?? [];
  if (day && !Number.isNaN(Date.parse(day)) && Number(clockHour) < 24) Object.assign(state, { date: day, hour: Number(clockHour) });
  const date = h("input", { type: "date", id: "sun-date", value: state.date, min: "1950-01-01", max: "2100-12-31" });
  const hour = h("input", { type: "range", class: "day", id: "sun-hour", min: "0", max: "23.75", step: "0.25", value: String(state.hour), "aria-label": t("sun.hour") });
  const clock = h("output", { class: "clock", for: "sun-hour" });
  const update = () => {
    const minutes = Math.round(state.hour * 60);
    const text = `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
    clock.textContent = text;
    hour.setAttribute("aria-valuetext", text);
    onSun(localToUtc(state.date, state.hour).toISOString(), playing);
    if (started && !playing) onChange?.(`${state.date}T${state.hour}`);
  };
  let started = false;
  let playing = false;
  let since = 0;
  const go = (to) => { state.hour = (Math.round(to * 12) / 12) % 24; hour.value = String(state.hour); update(); };
  const tick = (now) => {
    if (!playing) return;
    if (!element.isConnected) { playing = false; return; }
    const passed = Math.min((now - since) / 1000, 0.5) * HOURS_PER_S;
    if (passed >= 1 / 12) { since = now; go(state.hour + passed); }
    requestAnimationFrame(tick);
  };
  const stop = () => {
    if (!playing) return;
    playing = false;
    show();
    update();
  };
  const start = () => {
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) { go(Math.floor(state.hour) + 1); return; }
    playing = true;
    since = performance.now();
    show();
    requestAnimationFrame(tick);
  };
  const play = h("button", { type: "button", class: "play", onclick: () => (playing ? stop() : start()) });
  const show = () => {
    play.setAttribute("aria-label", t(playing ? "sun.pause" : "sun.play"));
    play.title = t(playing ? "sun.pause" : "sun.play");
    play.replaceChildren(icon(playing ? "M6 4v12M14 4v12" : "M6 3.500v13L16.500 10z"));
  };
  show();
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); });
  date.addEventListener("change", () => { if (date.value) { state.date = date.value; update(); } });
  hour.addEventListener("input", () => { playing = false; show(); state.hour = Number(hour.value); update(); });
  const jump = (day) => { state.date = `${state.date.slice(0, 4)}-${day}`; date.value = state.date; update(); };
  element.replaceChildren(
    h("div", { class: "row" }, h("h2", {}, t("sun.title")), h("div", { class: "row" }, clock, play)),
    h("div", { class: "controls" },
      h("label", { class: "visually-hidden", for: "sun-date" }, t("sun.date")), date,
      h("div", { class: "quick" }, [["shortcut_summer", "06-21"], ["shortcut_winter", "12-21"]].map(([key, day]) =>
        h("button", { type: "button", class: "text-button", onclick: () => jump(day) }, t(`sun.${key}`)))),
      h("div", { class: "hour" }, hour)));
  update();
  started = true;
  return state;
}

/** Attributes of a button that opens the derivation of a number (derivation.js). */
export const derives = (figure, of, state, t) => ({
  type: "button", "data-derive": figure, "data-of": of, "data-state": state, "aria-haspopup": "dialog", title: t("derivation.open"),
});

/** Energy figures before and after. `rows`: [{label, before, after, unit, digits}]; with `of`, and a name, numbers open their derivation. */
export function comparison(rows, { t, f, changed, heads, of }) {
  const cell = (row, state) => {
    const text = f.number(row[state], row.digits);
    return of && row.name ? h("button", { ...derives(row.name, of, state, t), class: "derive", "aria-label": `${row.label}: ${text} ${row.unit}` }, text) : text;
  };
  return h("table", { class: "compare" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, t("column.name"))),
      h("th", { scope: "col" }, heads?.[0] ?? t("kpi.before")), changed && h("th", { scope: "col" }, heads?.[1] ?? t("kpi.after")))),
    h("tbody", {}, rows.map((row) => h("tr", {}, h("th", { scope: "row" }, row.label, " ", h("small", { class: "muted" }, row.unit)),
      h("td", { class: changed ? "" : "now" }, cell(row, "before")),
      changed && h("td", { class: "now" }, cell(row, "after"))))));
}

/** Panel of the selection; `content` null shows the hint. */
export function facts(element, content, { t, f, onClose, onLevel }) {
  if (!content) {
    element.replaceChildren(h("p", { class: "empty" }, t("facts.hint")));
    element.classList.add("idle");
    return;
  }
  element.classList.remove("idle");
  const chart = h("div", {});
  chart.innerHTML = content.chart ? content.chart.svg : ""; // SVG made by our own charts module, which escapes every text
  fill(element,
    h("div", { class: "head" }, h("p", { class: "kicker" }, [content.kind, content.subtitle].filter(Boolean).join(" · ")),
      h("h2", {}, content.title),
      h("button", { type: "button", class: "quiet close", "aria-label": t("facts.clear"), title: t("facts.clear"), onclick: onClose }, cross()),
      content.in_block > 1 && onLevel && choice(t("facts.level"), "level", [
        { id: "block", title: t("facts.select_block") }, { id: "building", title: t("facts.select_building") }], content.level, onLevel)),
    (content.energy.length > 0 || content.note) && h("div", { class: "block" }, h("h2", {}, t("facts.energy")),
      content.energy.length > 0 && comparison(content.energy, { t, f, changed: content.changed, heads: content.heads, of: "selection" }),
      content.note && h("p", { class: "hint" }, content.note)),
    content.chart && h("div", { class: "block" }, h("h2", {}, content.chart.title), chart,
      content.changed && h("p", { class: "keys" }, h("span", { class: "before" }, t("kpi.before")), h("span", {}, t("kpi.after")))),
    content.network && h("div", { class: "block" },
      h("div", { class: "row" }, h("h2", {}, t("facts.station")), content.network.updating && h("span", { class: "pending" }, t("network.updating"))),
      h("dl", { class: "attributes" }, content.network.rows.map((row) => h("div", {}, h("dt", {}, row.label, row.detail && h("small", {}, row.detail)), h("dd", {}, row.value))))),
    h("div", { class: "block" }, h("h2", {}, t("facts.attributes")),
      h("dl", { class: "attributes" }, content.rows.map((row) => h("div", {}, h("dt", {}, row.label),
        h("dd", {}, row.value, row.source && h("abbr", {
          class: `kind ${row.source}`, title: [t(`source.${row.source}_long`), row.detail].filter(Boolean).join(" "),
        }, t(`source.${row.source}`))))))));
  element.scrollTop = 0;
}

export function cross() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "m4 4 8 8m0-8-8 8");
  svg.append(path);
  return svg;
}

/** A drawing of 20 by 20 from one path. */
export function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
