// The manager's app: sends what people do to Python and draws what comes back.
import { byId, fill, formatter, h, perFrame, translator } from "./dom.js";
import { sensors } from "./sensors.js";
import * as ui from "./ui.js";

export function mount(model) {
  const start = model.start;
  const t = translator(start.texts);
  const f = formatter(start.language);
  const send = (type, values = {}) => model.send_msg({ type, ...values });
  let devices = null;
  const shell = ui.frame({
    onTable: (on) => send("table", { open: on }),
    onEscape: () => { if (!devices?.closes()) send("select", { id: null }); },
  });
  const showLegend = ui.legend(byId("legend"), { t, f, options: start.layers, onColour: (id) => send("colour", { id }) });
  ui.sun(byId("sun"), { t, onSun: perFrame((time) => send("sun", { time })) });
  const columns = [
    { id: "name", title: t("column.name") },
    { id: "quarter", title: t("column.quarter"), wide: true },
    { id: "function", title: t("column.function"), wide: true },
    { id: "construction_series", title: t("column.construction_series"), wide: true },
    { id: "year_of_construction", title: t("column.year_of_construction"), number: true, plain: true, wide: true },
    { id: "dwellings", title: t("column.dwellings"), number: true, wide: true },
    { id: "before", title: `${t("column.heating_need")} ${t("column.before")}, MWh/a`, number: true },
    { id: "after", title: `${t("column.after")}, MWh/a`, number: true },
    { id: "before_per_area", title: `${t("column.heating_need_per_area")} ${t("column.before")}, kWh/(m²a)`, number: true, wide: true },
    { id: "after_per_area", title: `${t("column.after")}, kWh/(m²a)`, number: true, wide: true },
  ];
  let tableData = null;
  const table = ui.table(byId("table"), {
    t, f, columns, caption: t("table.caption"), onPick: (i) => { send("select", { id: tableData.id[i], fly: true }); shell.showTable(false); shell.open("facts"); },
  });
  const controls = whatIf(byId("panel"), { t, f, send });
  const undo = () => { controls.settle(); send("undo"); };
  const redo = () => { controls.settle(); send("redo"); };
  byId("undo").addEventListener("click", undo);
  byId("redo").addEventListener("click", redo);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches?.("input[type=search]")) return;
    if (event.key === "z" && !event.shiftKey) { event.preventDefault(); undo(); }
    if (event.key === "y" || (event.key.toLowerCase() === "z" && event.shiftKey)) { event.preventDefault(); redo(); }
  });

  const draw = {
    colour: () => showLegend(model.layer.id, model.layer),
    result: () => {
      controls.show(model.result);
      byId("undo").disabled = !model.result.can_undo;
      byId("redo").disabled = !model.result.can_redo;
    },
    selection: () => ui.facts(byId("facts"), model.selection.facts, {
      t, f, onClose: () => send("select", { id: null }), onLevel: (level) => send("level", { level }),
    }),
    // A closed table sends nothing, but its rows stay on the page and may be clicked while it opens again.
    table: () => { if (model.table.name) { tableData = model.table; table.show(tableData); } },
    hover: () => shell.tooltip(model.hover.title, model.hover.line, model.hover.at),
    error: () => { if (model.error) ui.toast(t("app.failed", { message: model.error }), t("app.close"), () => send("error_seen")); },
  };
  devices = sensors(model, { t, f, send, shell, language: start.language });
  let wasSelected = false;
  model.on("layer", draw.colour);
  model.on("result", draw.result);
  model.on("selection", () => {
    draw.selection();
    const now = Boolean(model.selection.facts);
    if (now && !wasSelected) shell.open("facts");
    wasSelected = now;
  });
  model.on("table", draw.table);
  model.on("hover", draw.hover);
  model.on("error", draw.error);
  model.on("ready", () => ui.loaded());
  for (const part of ["colour", "result", "selection", "table"]) draw[part]();
  if (model.ready) ui.loaded();
  watchConnection(t);
}

function watchConnection(t) {
  // Bokeh says only in the console that its connection is gone.
  let missed = 0;
  const look = async () => {
    try {
      missed = (await fetch("/healthz", { cache: "no-store" })).ok ? 0 : missed + 1;
    } catch { missed += 1; }
    if (missed === 2) ui.toast(t("app.disconnected"), t("app.reload"), () => location.reload());
    setTimeout(look, missed ? 3000 : 10000);
  };
  setTimeout(look, 10000);
}

function whatIf(element, { t, f, send }) {
  const shareOut = h("output", { class: "share-out", for: "share" });
  const countOut = h("p", { class: "hint" });
  const share = h("input", { type: "range", id: "share", min: "0", max: "100", step: "1", value: "0", "aria-describedby": "share-count" });
  countOut.id = "share-count";
  const paint = () => {
    shareOut.textContent = f.quantity(Number(share.value), "%");
    share.setAttribute("aria-valuetext", shareOut.textContent);
    ui.fillTrack(share);
  };
  // The slider is the user's until Python has answered its last position: older answers must not move it back.
  let sent = 0;
  let resting = 0;
  const ask = (settled) => { sent += 1; send("retrofit", { share: share.value / 100, settled, seq: sent }); };
  const live = perFrame(() => ask(false));
  share.addEventListener("input", () => { sent += 1; paint(); live(); });
  // What people do next counts from where the slider rests: its last position may not come in behind it.
  const settle = () => { if (resting) { clearTimeout(resting); resting = 0; live.cancel(); ask(true); } };
  const act = (type, values) => { settle(); send(type, values); };
  share.addEventListener("change", () => { clearTimeout(resting); resting = setTimeout(settle, 400); });
  const boxes = ["wall", "roof", "floor", "window"].map((name) => [name, h("input", { type: "checkbox", name: "component", value: name,
    onchange: () => act("retrofit", { components: boxes.filter(([, box]) => box.checked).map(([id]) => id), settled: true }) })]);
  const standard = h("div", {});
  const scope = h("div", {});
  const kpis = h("div", { class: "kpis" });
  const basis = h("p", { class: "foot", role: "status", "data-basis": "" });
  const network = h("div", { class: "block network" });
  const foot = h("p", { class: "foot", role: "status" });
  const reset = h("button", { type: "button", class: "text-button", onclick: () => act("reset") }, t("what_if.reset"));
  element.replaceChildren(
    h("div", { class: "block" }, h("div", { class: "row" }, h("h2", {}, t("what_if.title")), reset),
      h("div", { class: "field share" }, h("div", { class: "row" }, h("label", { class: "label", for: "share" }, t("what_if.share")), shareOut), share, countOut)),
    h("div", { class: "block result" }, h("h2", {}, t("kpi.title")), kpis, basis),
    network,
    h("div", { class: "block" },
      h("fieldset", { class: "chips" }, h("legend", {}, t("what_if.components")), boxes.map(([name, box]) => h("label", {}, box, t(`what_if.${name}`)))),
      standard, scope, h("p", { class: "foot" }, t("model.provenance")), foot));
  const once = (box, key, make) => {
    if (box.dataset.key === key) return;
    const focused = box.contains(document.activeElement) ? document.activeElement.value : null;
    box.dataset.key = key;
    box.replaceChildren(make());
    if (focused) box.querySelector(`[value="${focused}"]`)?.focus();
  };
  const show = (result) => {
    if (result.seq >= sent && !result.busy) share.value = String(Math.round(100 * result.share));
    paint();
    countOut.textContent = t("what_if.share_value", { count: f.number(result.count), total: f.number(result.total) });
    for (const [name, box] of boxes) box.checked = result.components.includes(name);
    once(standard, result.standard, () => ui.choice(t("what_if.standard"), "standard",
      ["usual", "advanced"].map((id) => ({ id, title: t(`what_if.${id}`) })), result.standard,
      (id) => act("retrofit", { standard: id, settled: true }), t(`what_if.${result.standard}_long`)));
    const limited = result.scope !== null;
    once(scope, `${limited}${result.can_scope}${result.scope ?? ""}`, () => ui.choice(t("what_if.scope"), "scope",
      [{ id: "all", title: t("what_if.scope_all") }, { id: "selection", title: t("what_if.scope_selection"), disabled: !result.can_scope && !limited }],
      limited ? "selection" : "all", (id) => act("scope", { id }), limited ? result.scope : "", limited || result.can_scope ? "" : t("what_if.scope_hint")));
    kpis.replaceChildren(...result.kpis.map((kpi) => card(kpi, t, f)));
    basis.textContent = result.network.basis;
    showNetwork(network, result.network, { t, f });
    reset.disabled = !result.can_reset;
    element.classList.toggle("busy", result.busy);
    foot.textContent = result.ms === null ? "" : t("what_if.computed", { buildings: f.number(result.buildings), ms: f.number(result.ms) });
  };
  return { show, settle };
}

/** The heat network's figures; until they fit what is shown, they say so. */
function showNetwork(element, network, { t, f }) {
  element.hidden = !network.updating && !network.kpis.length;
  element.classList.toggle("updating", network.updating);
  const changed = network.kpis.some((kpi) => Math.abs(kpi.after - kpi.before) > 1e-9);
  fill(element,
    h("div", { class: "row" }, h("h2", {}, t("network.title")), network.updating && h("span", { class: "pending", role: "status" }, t("network.updating"))),
    network.kpis.length > 0 && ui.comparison(network.kpis.map((kpi) => ({ ...kpi, label: t(`network.${kpi.name}`), unit: t(`unit.${kpi.name}`) })), { t, f, changed }),
    network.notes && h("p", { class: "foot" }, network.notes));
}

function card(kpi, t, f) {
  const change = kpi.before ? kpi.after / kpi.before - 1 : NaN;
  const same = Math.abs(kpi.after - kpi.before) < 1e-9;
  const bar = h("i", {});
  bar.style.transform = `scaleX(${kpi.before ? Math.min(1, kpi.after / kpi.before) : 0})`;
  const name = t(`kpi.${kpi.name}`);
  return h("div", { class: "kpi", "data-kpi": kpi.name },
    h("span", { class: "name" }, name),
    h("span", { class: `delta ${same ? "" : change < 0 ? "better" : "worse"}` }, same ? t("kpi.unchanged") : f.percent(change)),
    h("span", { class: "value" }, f.number(kpi.after, kpi.digits), " ", h("small", {}, t(`unit.${kpi.name}`))),
    h("span", { class: "was" }, same ? "" : `${t("kpi.before")} ${f.number(kpi.before, kpi.digits)}, ${f.number(kpi.after - kpi.before, kpi.digits)}`),
    h("span", { class: "meter", "aria-hidden": "true" }, bar));
}
