// The manager's app: sends what people do to Python and draws what comes back.
import { address } from "./address.js";
import { charts } from "./charts.js";
import { derivation } from "./derivation.js";
import { compare } from "./compare.js";
import { byId, formatter, h, perFrame, translator } from "./dom.js";
import { picking } from "./picking.js";
import { report } from "./report.js";
import { sensors } from "./sensors.js";
import { shelf } from "./shelf.js";
import { timeline } from "./timeline.js";
import { tools } from "./tools.js";
import * as ui from "./ui.js";
import { whatIf } from "./whatif.js";

export function mount(model) {
  const start = model.start;
  const t = translator(start.texts);
  const f = formatter(start.language);
  const send = (type, values = {}) => model.send_msg({ type, ...values });
  const link = address();
  let devices = null;
  const shell = ui.frame({
    onTable: (on) => send("table", { open: on }),
    onView: (name) => { link.set("view", name === "3d" ? "" : name); send("charts", { open: name === "charts" }); },
    onEscape: () => { if (!devices?.closes()) send("select", { id: null }); },
  });
  const showLegend = ui.legend(byId("legend"), { t, f, options: start.layers, onColour: (id) => send("colour", { id }) });
  const toCompare = compare(byId("legend"), { t, send, link });
  const kit = tools(byId("scene"), { t, f, send, scene: () => globalThis.lobedaScene, legend: () => ({ ...model.layer, title: start.layers.find((layer) => layer.id === model.layer.id)?.title }) });
  model.on("tool", () => kit.answer(model.tool));
  // A day that plays stays in the browser; the server hears where it stops.
  const time = timeline({ t, f, send, language: start.language, link });
  const shine = perFrame((when, playing) => (playing && globalThis.lobedaScene ? globalThis.lobedaScene.setSun(when) : send("sun", { time: when })));
  ui.sun(byId("sun"), { t, onSun: shine, at: link.get("sun"), onChange: (at) => { link.set("sun", at); time.date(); } });
  byId("sun").append(time.element);
  const drawn = charts(byId("charts"), { t, f, language: start.language, link });
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
  const controls = whatIf(byId("panel"), { t, f, send, measures: start.measures, scenarios: start.scenarios });
  const pick = picking({ t, f, send, fields: start.filters, places: start.places });
  const scenarios = shelf({ t, f, send, language: start.language });
  byId("panel").prepend(scenarios.element, pick.element);
  const undo = () => controls.act("undo");
  const redo = () => controls.act("redo");
  byId("undo").addEventListener("click", undo);
  byId("redo").addEventListener("click", redo);
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches?.("input[type=search]")) return;
    if (event.key === "z" && !event.shiftKey) { event.preventDefault(); undo(); }
    if (event.key === "y" || (event.key.toLowerCase() === "z" && event.shiftKey)) { event.preventDefault(); redo(); }
  });

  const draw = {
    colour: () => { showLegend(model.layer.id, model.layer); link.set("colour", model.layer.id === start.layers[0].id ? "" : model.layer.id); },
    plan: () => {
      controls.plan(model.plan);
      byId("undo").disabled = !model.plan.can_undo;
      byId("redo").disabled = !model.plan.can_redo;
      link.set("plan", model.plan.text);
    },
    result: () => { controls.result(model.result); toCompare(model.result.compared); },
    selection: () => ui.facts(byId("facts"), model.selection.facts, {
      t, f, onClose: () => send("select", { id: null }), onLevel: (level) => send("level", { level }),
    }),
    shelf: () => { scenarios.show(model.shelf); link.set("scenario", model.shelf.name); },
    pick: () => pick.show(model.pick),
    // A closed table sends nothing, but its rows stay on the page and may be clicked while it opens again.
    table: () => { if (model.table.name) { tableData = model.table; table.show(tableData); } },
    hover: () => shell.tooltip(model.hover.title, model.hover.line, model.hover.at),
    error: () => { if (model.error) ui.toast(t("app.failed", { message: model.error }), t("app.close"), () => send("error_seen")); },
  };
  devices = sensors(model, { t, f, send, shell, language: start.language });
  derivation(model, { t, f, send });
  report({ t, f, language: start.language, plan: () => model.plan.text });
  let wasSelected = false;
  model.on("layer", draw.colour);
  model.on("plan", draw.plan);
  model.on("result", draw.result);
  model.on("selection", () => {
    draw.selection();
    const set = model.selection.level === "set";
    link.set("selected", set ? "" : model.selection.id);
    link.set("level", model.selection.level === "building" ? "building" : "");
    link.set("targets", set ? model.selection.targets : "");
    pick.selected(model.selection.facts);
    const now = Boolean(model.selection.facts);
    if (now && !wasSelected) shell.open("facts");
    wasSelected = now;
  });
  model.on("pick", draw.pick);
  model.on("shelf", draw.shelf);
  model.on("table", draw.table);
  model.on("hover", draw.hover);
  model.on("error", draw.error);
  model.on("frames", () => time.show(model.frames));
  model.on("frame", () => time.frame(model.frame));
  model.on("charts", () => drawn.show(model.charts));
  const wake = () => { ui.loaded(); time.open(link.get("time")); };
  model.on("ready", wake);
  if (["table", "charts"].includes(link.get("view"))) shell.showView(link.get("view"));
  for (const part of ["colour", "plan", "result", "selection", "pick", "shelf", "table", "error"]) draw[part]();
  for (const tab of byId("side-tabs").children) {
    tab.addEventListener("click", () => link.set("tab", tab.dataset.side === "sensors" ? "sensors" : ""));
    if (tab.dataset.side === start.tab && start.tab === "sensors") tab.click();
  }
  if (model.ready) wake();
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
