// The panel of measures and their figures. Each act has a number, which its answers carry; the browser's
// performance marks hold when somebody let go and when the figures of each stage stood on the page.
import { fill, h, perFrame } from "./dom.js";
import * as ui from "./ui.js";

const REST_MS = 400;

export function whatIf(element, { t, f, send, measures, scenarios }) {
  const known = new Map(measures.map((measure) => [measure.id, measure]));
  const clock = stageClock();
  // A slider is the user's until Python has answered its last position: older answers must not move it back.
  let sent = 0;
  let answered = 0;
  let resting = null;
  const tell = (type, values) => { sent += 1; send(type, { ...values, seq: sent }); return sent; };
  // What people do next counts from where a slider rests: its last position may not come in behind it.
  const settle = () => resting?.();
  const act = (type, values = {}) => { settle(); clock.begin(tell(type, values)); };
  const change = (row, values) => act("change", { measure: row.measure, nth: row.nth, ...values });

  const slider = (row, parameter, input, onInput) => {
    let timer = 0;
    let released = 0;
    const ask = (settled) => tell("change", { measure: row.measure, nth: row.nth, settled, values: { [parameter.name]: Number(input.value) / parameter.factor } });
    const live = perFrame(() => ask(false));
    const rest = () => {
      if (resting !== rest) return;
      clearTimeout(timer);
      live.cancel();
      resting = null;
      clock.begin(ask(true), released);
      released = 0;
    };
    input.addEventListener("pointerup", (event) => { released = event.timeStamp; });
    input.addEventListener("input", () => {
      if (resting !== rest) { settle(); resting = rest; }
      sent += 1;
      onInput();
      live();
    });
    // By hand the step ends with letting go; by keys, when no further one follows.
    input.addEventListener("change", () => { clearTimeout(timer); if (released) rest(); else timer = setTimeout(rest, REST_MS); });
  };

  const reset = h("button", { type: "button", class: "text-button", onclick: () => act("reset") }, t("what_if.reset"));
  const list = h("div", { class: "measures" });
  const add = picker("measure-add", t("what_if.add"), measures.filter((m) => !m.always), (id) => change({ measure: id, nth: 0 }, { on: true }), t("what_if.enter"));
  const load = picker("scenario-load", t("what_if.load"), scenarios, (id) => act("load", { id }), t("what_if.enter"));
  const kpis = h("div", { class: "kpis" });
  const bands = h("p", { class: "foot bands", role: "status" });
  const basis = h("p", { class: "foot", role: "status", "data-basis": "" });
  const money = h("div", { class: "block economy", hidden: true });
  const network = h("div", { class: "block network" });
  const foot = h("p", { class: "foot", role: "status" });
  element.replaceChildren(
    h("div", { class: "block" }, h("div", { class: "row" }, h("h2", {}, t("what_if.title")), reset), list,
      h("div", { class: "pickers" }, add.element, load.element)),
    h("div", { class: "block result" }, h("h2", {}, t("kpi.title")), kpis, bands, basis),
    money,
    network,
    h("div", { class: "block" }, h("p", { class: "foot" }, t("model.provenance")), foot));

  const rows = new Map();
  const plan = (shown) => {
    const wanted = shown.rows.filter((row) => row.on || known.get(row.measure).always);
    const order = wanted.map((row) => {
      const key = `${row.measure} ${row.nth}`;
      if (!rows.has(key)) rows.set(key, card(row, known.get(row.measure), { t, f, change, slider }));
      rows.get(key).show(row, shown.can_scope, () => sent <= answered);
      return key;
    });
    for (const key of rows.keys()) if (!order.includes(key)) { rows.get(key).element.remove(); rows.delete(key); }
    order.forEach((key, i) => { if (list.children[i] !== rows.get(key).element) list.insertBefore(rows.get(key).element, list.children[i] ?? null); });
    add.without(wanted.map((row) => row.measure));
    reset.disabled = !shown.can_reset;
    latest = shown;
  };
  let latest = null;
  const figures = new Map();
  const result = (shown) => {
    answered = shown.busy ? answered : shown.seq;
    for (const kpi of shown.kpis) {
      if (!figures.has(kpi.name)) { figures.set(kpi.name, figure(kpi.name, t)); kpis.append(figures.get(kpi.name).element); }
      figures.get(kpi.name).show(kpi, f);
    }
    const waiting = shown.compared && shown.stage < 3;
    bands.hidden = !waiting;
    fill(bands, waiting && h("span", { class: "pending" }, shown.progress
      ? t("kpi.bands_left", { share: f.quantity(100 * shown.progress.share, "%"), seconds: f.number(Math.max(1, Math.ceil(shown.progress.left_s))) })
      : t("kpi.bands_waiting")));
    basis.textContent = shown.network.basis;
    showEconomy(money, shown.compared, shown.economy, { t, f });
    showNetwork(network, shown.network, { t, f });
    element.classList.toggle("busy", shown.busy);
    element.dataset.ms = shown.ms ?? "";
    element.dataset.stage = String(shown.stage);
    foot.textContent = shown.ms === null ? "" : t("what_if.computed", { buildings: f.number(shown.buildings), ms: f.number(shown.ms) });
    clock.arrived(shown.seq, shown.stage);
    if (latest && sent <= answered) plan(latest); // sliders that waited for this answer
  };
  return { plan, result, act, settle };
}

/** Marks `whatif:act`, `whatif:stage1` to `3` and `whatif:frame` with the act's number as detail. */
function stageClock() {
  let act = 0;
  let reached = 3;
  const mark = (name, startTime) => performance.mark(`whatif:${name}`, { detail: act, ...(startTime ? { startTime } : {}) });
  return {
    begin: (number, startTime) => { act = number; reached = 0; mark("act", startTime); },
    arrived: (number, stage) => {
      if (number !== act) return;
      if (reached === 0) requestAnimationFrame(() => setTimeout(() => mark("frame"))); // behind the scene's own frame
      while (reached < stage) { reached += 1; mark(`stage${reached}`); }
    },
  };
}

/** A list that does something with what is picked and then offers the rest again. Arrows and letters only walk
 * through it, as nobody by keys could reach the second entry otherwise; Enter takes the one that is shown. */
function picker(id, label, options, onPick, hint) {
  let walking = false;
  const take = () => { const value = select.value; select.value = ""; walking = false; if (value) onPick(value); };
  const select = h("select", { id, "aria-label": label, "aria-description": hint, title: hint,
    onpointerdown: () => { walking = false; },
    onblur: () => { select.value = ""; walking = false; },
    onkeydown: (event) => {
      if (event.key === "Enter" && select.value) { event.preventDefault(); take(); }
      else walking = !event.altKey && (event.key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown"].includes(event.key) || /^\S$/.test(event.key));
    },
    onchange: () => { if (!walking) take(); } });
  const fillWith = (gone) => fill(select, h("option", { value: "" }, label), options.filter((o) => !gone.includes(o.id)).map((o) => h("option", { value: o.id }, o.title)));
  let last = "";
  fillWith([]);
  return { element: select, without: (gone) => { if (last !== gone.join()) { last = gone.join(); fillWith(gone); } } };
}

/** One measure: its values, and behind a fold its targets and what it is. */
function card(first, measure, { t, f, change, slider }) {
  let row = first;
  let fresh = true;
  const leading = measure.always && first.nth === 0 ? measure.parameters.find((p) => p.name === "share") : null;
  const inputs = measure.parameters.map((parameter) => control(parameter, { row: first, t, f, change, slider, leading: parameter === leading, id: leading && parameter === leading ? "share" : `${measure.id}-${first.nth}-${parameter.name}` }));
  const count = h("p", { class: "hint", id: leading ? "share-count" : null });
  const scope = h("div", {});
  const remove = h("button", { type: "button", class: "quiet remove", "aria-label": t("what_if.remove", { title: measure.title }), title: t("what_if.remove", { title: measure.title }),
    onclick: () => change(row, { on: false }) }, ui.cross());
  const summary = h("span", { class: "summary" });
  const fold = h("details", { class: "settings" }, h("summary", {}, summary));
  const many = inputs.filter((input) => !input.leading);
  fold.append(h("p", { class: "hint" }, measure.description), ...(measure.always ? many : []).map((input) => input.element), scope);
  const element = h("section", { class: "measure", "data-measure": measure.id, "data-nth": String(first.nth), "aria-label": measure.title },
    (!leading || !measure.always) && h("div", { class: "row" }, h("h3", {}, measure.title), remove),
    ...(measure.always ? inputs.filter((input) => input.leading) : inputs).map((input) => input.element),
    (leading || measure.targeted) && count, fold);
  const show = (now, canScope, free) => {
    row = now;
    for (const input of inputs) input.show(now.values[input.name], fresh || free());
    fresh = false;
    count.textContent = t("what_if.share_value", { count: f.number(now.count), total: f.number(now.total) });
    const target = { all: t("what_if.scope_all"), selection: now.targets_text, query: now.targets_text }[now.targets];
    summary.textContent = [...many.filter(() => measure.always).map((input) => input.text(now.values[input.name])), measure.targeted ? target : t("what_if.details")].filter(Boolean).join(" · ");
    if (measure.targeted) targets(scope, now, canScope);
  };
  const targets = (box, now, canScope) => {
    const state = JSON.stringify([now.targets, now.query, now.targets_text, canScope]);
    if (box.dataset.key === state) return;
    const focused = box.contains(document.activeElement) ? document.activeElement.value : null;
    box.dataset.key = state;
    const limited = now.targets === "selection";
    box.replaceChildren(ui.choice(t("what_if.scope"), `scope-${measure.id}-${first.nth}`, [
      { id: "all", title: t("what_if.scope_all") },
      { id: "selection", title: t("what_if.scope_selection"), disabled: !canScope && !limited },
      ...(now.query ? [{ id: "query", title: t("what_if.scope_query") }] : []),
    ], now.targets, (id) => change(row, { targets: id }),
    now.targets === "all" ? "" : now.targets_text, limited || canScope ? "" : t("what_if.scope_hint")));
    if (focused) box.querySelector(`[value="${focused}"]`)?.focus();
  };
  return { element, show };
}

/** The input of one parameter, by its kind. */
function control(parameter, { row, t, f, change, slider, leading, id }) {
  const estimate = parameter.is_estimate ? `${t("source.guessed")}: ${parameter.source}` : parameter.source;
  const title = (name) => parameter.choices.find((choice) => choice.id === name)?.title ?? name;
  if (parameter.kind === "number") {
    const write = (value) => parameter.plain ? String(value) : f.quantity(value, parameter.unit, parameter.digits);
    const out = h("output", { class: leading ? "share-out" : "", for: id });
    const input = h("input", { type: "range", id, min: String(parameter.low * parameter.factor), max: String(parameter.high * parameter.factor), step: String(parameter.step * parameter.factor), "aria-describedby": leading ? "share-count" : null });
    const paint = () => {
      out.textContent = write(Number(input.value));
      input.setAttribute("aria-valuetext", out.textContent);
      ui.fillTrack(input);
    };
    slider(row, parameter, input, paint);
    const element = h("div", { class: leading ? "field share" : "field" }, h("div", { class: "row" }, h("label", { class: "label", for: id, title: estimate }, parameter.title), out), input);
    const shown = (value) => String(Math.round(1e6 * value * parameter.factor) / 1e6);
    return { name: parameter.name, element, leading, text: (value) => write(Number(shown(value))), show: (value, free) => { if (free) input.value = shown(value); paint(); } };
  }
  if (parameter.kind === "several") {
    const boxes = parameter.choices.map((choice) => [choice.id, h("input", { type: "checkbox", name: id, value: choice.id,
      onchange: () => change(row, { values: { [parameter.name]: boxes.filter(([, box]) => box.checked).map(([name]) => name) } }) })]);
    const element = h("fieldset", { class: "chips" }, h("legend", {}, parameter.title), boxes.map(([name, box]) => h("label", {}, box, title(name))));
    const show = (value) => { for (const [name, box] of boxes) box.checked = value.includes(name); };
    return { name: parameter.name, element, text: (value) => value.length === boxes.length ? "" : value.map(title).join(", "), show };
  }
  const element = h("div", {}, ui.choice(parameter.title, id, parameter.choices, null, (value) => change(row, { values: { [parameter.name]: value } })));
  const hint = h("p", { class: "hint" });
  element.append(hint);
  const show = (value) => {
    for (const radio of element.querySelectorAll("input")) radio.checked = radio.value === value;
    hint.textContent = parameter.name === "standard" ? t(`what_if.${value}_long`) : "";
  };
  return { name: parameter.name, element, text: title, show };
}

/** A figure of the year: before and after, the band of its change, and how sure it is that it falls. */
function figure(name, t) {
  const part = (kind, tag = "span") => h(tag, { class: kind });
  const [delta, was, sure, bar] = [part("delta"), part("was"), part("sure"), part("", "i")];
  const value = h("button", { ...ui.derives(name, "district", "after", t), class: "value", id: `kpi-${name}`, "aria-labelledby": `kpi-${name}-name kpi-${name}` });
  const number = document.createTextNode("");
  const updating = h("span", { class: "pending", hidden: true }, t("kpi.updating"));
  value.append(number, " ", h("small", {}, t(`unit.${name}`)));
  const element = h("div", { class: "kpi", "data-kpi": name },
    h("span", { class: "name" }, h("span", { id: `kpi-${name}-name` }, t(`kpi.${name}`)), " ", updating), delta, value, was, sure, h("span", { class: "meter", "aria-hidden": "true" }, bar));
  const show = (kpi, f) => {
    const relative = kpi.before ? kpi.after / kpi.before - 1 : NaN;
    const same = Math.abs(kpi.after - kpi.before) < 1e-9;
    number.data = f.number(kpi.after, kpi.digits);
    delta.className = `delta ${same ? "" : relative < 0 ? "better" : "worse"}`;
    delta.textContent = same ? t("kpi.unchanged") : f.percent(relative);
    const band = kpi.band;
    const apart = f.number(kpi.after - kpi.before, kpi.digits);
    was.textContent = same ? "" : band
      ? t("kpi.change_band", { before: f.number(kpi.before, kpi.digits), change: apart, low: f.number(band.low, kpi.digits), high: f.number(band.high, kpi.digits) })
      : t("kpi.change", { before: f.number(kpi.before, kpi.digits), change: apart });
    sure.textContent = band && !same ? surely(band, t, f) : "";
    updating.hidden = !kpi.updating;
    element.classList.toggle("updating", kpi.updating);
    bar.style.transform = `scaleX(${kpi.before ? Math.min(1, kpi.after / kpi.before) : 0})`;
  };
  return { element, show };
}

/** "Better than today with 97 %": the share of the draws; when all agree, no more than their number lets one say. */
export function surely(band, t, f, section = "kpi") {
  const better = band.lower >= 0.5;
  const share = better ? band.lower : 1 - band.lower;
  const all = share > 1 - 0.5 / band.draws;
  const text = f.quantity(100 * (all ? 1 - 1 / band.draws : share), "%");
  return t(`${section}.${better ? "better" : "worse"}_${all ? "over" : "with"}`, { share: text });
}

/** What the plan costs and saves over the years, and what a tonne of CO2 costs; none saved: none to pay for. */
function showEconomy(element, compared, economy, { t, f }) {
  element.hidden = !compared;
  const state = JSON.stringify(economy);
  if (element.dataset.key === state) return;
  element.dataset.key = state;
  const row = (name, text, strong) => h("div", { "data-economy": name }, h("dt", {}, t(`economy.${name}`)), h("dd", { class: strong ? "strong" : "" }, text));
  const euros = (value) => (Math.abs(value) >= 1e6 ? f.quantity(value / 1e6, t("economy.million"), 1) : f.quantity(Math.round(value / 1000), t("economy.thousand")));
  fill(element,
    h("div", { class: "row" }, h("h2", {}, t("economy.title")), !economy && h("span", { class: "pending", role: "status" }, t("kpi.updating"))),
    economy && h("dl", { class: "attributes" },
      row("abatement", economy.abatement_cost_eur_t === null ? t("economy.no_saving") : f.quantity(economy.abatement_cost_eur_t, "€/t"), true),
      row("investment", euros(economy.investment_eur)), row("subsidy", euros(economy.subsidy_eur)),
      row("extra", euros(economy.extra_cost_eur)), row("saved", f.quantity(economy.co2_saved_kg / 1000, "t"))),
    economy && h("p", { class: "foot" }, t("economy.note", { years: f.number(economy.horizon_a), rate: f.quantity(100 * economy.rate, "%", 1) })));
}

/** The heat network's figures; until they fit what is shown, they say so. */
function showNetwork(element, network, { t, f }) {
  element.hidden = !network.updating && !network.kpis.length;
  const state = JSON.stringify(network);
  if (element.dataset.key === state) return;
  element.dataset.key = state;
  element.classList.toggle("updating", network.updating);
  const changed = network.kpis.some((kpi) => Math.abs(kpi.after - kpi.before) > 1e-9);
  fill(element,
    h("div", { class: "row" }, h("h2", {}, t("network.title")), network.updating && h("span", { class: "pending", role: "status" }, t("network.updating"))),
    network.kpis.length > 0 && ui.comparison(network.kpis.map((kpi) => ({ ...kpi, label: t(`network.${kpi.name}`), unit: t(`unit.${kpi.name}`) })), { t, f, changed, of: "district" }),
    network.notes && h("p", { class: "foot" }, network.notes));
}
