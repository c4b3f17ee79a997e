// The manager's app: sends what people do to Python and draws what comes back.
import { address } from "./address.js";
import { charts } from "./charts.js";
import { derivation } from "./derivation.js";
import { compare } from "./compare.js";
import { byId, formatter, h, perFrame, translator } from "./dom.js";
import { holding } from "./holding.js";
import { picking } from "./picking.js";
import { report } from "./report.js";
import { sensors } from "./sensors.js";
import { saveMade } from "./save.js";
import { shelf } from "./shelf.js";
import { table as grid } from "./table.js";
import { timeline } from "./timeline.js";
import { tools } from "./tools.js";
import { tour } from "./tour.js";
import * as ui from "./ui.js";
import { whatIf } from "./whatif.js";

/** Acts of one kind: the next of them takes away what was said of the one before. */
const ABOUT = Object.fromEntries([
  ["scenario", ["save", "duplicate", "open", "new", "continue", "remove", "restore"]],
  ["plan", ["change", "load", "undo", "redo", "reset"]],
].flatMap(([about, types]) => types.map((type) => [type, about])));

export function mount(model) {
  const start = model.start;
  const t = translator(start.texts);
  const f = formatter(start.language);
  const send = (type, values = {}) => {
    if (ABOUT[type] && ui.overtaken(ABOUT[type])) model.send_msg({ type: "error_seen" }); // else the same error would not show again
    model.send_msg({ type, ...values });
  };
  const link = address();
  let devices = null;
  const shell = ui.frame({
    onTable: (on) => send("table", { open: on, kind }),
    onView: (name) => { link.set("view", name === "3d" ? "" : name); send("charts", { open: name === "charts" }); },
    onEscape: () => { if (!devices?.closes()) send("select", { id: null }); },
  });
  const noteColour = (id) => link.set("colour", id === start.layers[0].id ? "" : id); // at once: a busy server answers later
  const showLegend = ui.legend(byId("legend"), { t, f, options: start.layers, onColour: (id) => { noteColour(id); send("colour", { id }); } });
  const toCompare = compare(byId("legend"), { t, send, link });
  const kit = tools(byId("scene"), { t, f, send, scene: () => globalThis.lobedaScene, legend: () => ({ ...model.layer, title: start.layers.find((layer) => layer.id === model.layer.id)?.title }) });
  model.on("tool", () => kit.answer(model.tool));
  // A day that plays stays in the browser; the server hears where it stops.
  const time = timeline({ t, f, send, language: start.language, link });
  const shine = perFrame((when, playing) => (playing && globalThis.lobedaScene ? globalThis.lobedaScene.setSun(when) : send("sun", { time: when })));
  ui.sun(byId("sun"), { t, onSun: shine, at: link.get("sun"), onChange: (at) => { link.set("sun", at); time.date(); } });
  byId("sun").append(time.element);
  const drawn = charts(byId("charts"), { t, f, language: start.language, link });
  const kinds = start.tables.map((id) => ({ id, title: t(`table.kind_${id}`) }));
  let kind = start.tables.includes(link.get("table")) ? link.get("table") : start.tables[0];
  let rows = null; // they stay on the page while the table is closed, and may be clicked while it opens again
  const leave = (tab) => { shell.showTable(false); shell.open(tab); };
  const table = grid(byId("table"), {
    t, f, kinds, caption: (of) => t(`table.caption_${of}`), state: tableState(link),
    onKind: (id) => { kind = id; link.set("table", id === start.tables[0] ? "" : id); send("table", { open: true, kind }); },
    onState: ({ query, sort, filters }) => { link.set("find", query); link.set("sort", sort); link.set("filters", Object.keys(filters).length ? JSON.stringify(filters) : ""); },
    onPick: (i) => {
      const key = rows.keys[i];
      if (kind === "sensors") { leave("facts"); send("sensor", { id: key }); return; }
      if (kind === "measures") send("pick", { rows: rows.members[i] });
      else send("select", { id: key, level: kind === "blocks" ? "block" : "building", fly: true });
      leave("facts");
    },
    onSelect: (picked, how) => send("pick", { rows: picked, how }),
    onFile: (format, shown, columns) => send("table_file", { kind, format, rows: shown, columns }),
  });
  const controls = whatIf(byId("panel"), { t, f, send, measures: start.measures, scenarios: start.scenarios });
  const pick = picking({ t, f, send, fields: start.filters, places: start.places });
  const both = holding(byId("panel"), { t, f, act: controls.act, title: () => model.shelf.title });
  const settled = (type, values) => { controls.settle(); send(type, values); };
  const scenarios = shelf({ t, f, send: settled, language: start.language });
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
    colour: () => { showLegend(model.layer.id, model.layer); noteColour(model.layer.id); },
    plan: () => {
      controls.plan(model.plan);
      byId("undo").disabled = !model.plan.can_undo;
      byId("redo").disabled = !model.plan.can_redo;
      link.set("plan", model.plan.text);
    },
    result: () => {
      const { held, compared } = model.result;
      controls.result(model.result);
      both.show(held);
      toCompare(held ? !held.same : compared, Boolean(held));
      link.set("a", held?.text);
      link.set("a_title", held?.title);
    },
    selection: () => {
      ui.facts(byId("facts"), model.selection.facts, {
        t, f, onClose: () => send("select", { id: null }), onLevel: (level) => send("level", { level }),
      });
      pick.selected(model.selection.facts);
      table.mark(model.selection.rows ?? []);
    },
    shelf: () => { scenarios.show(model.shelf); link.set("scenario", model.shelf.name); },
    pick: () => pick.show(model.pick),
    table: () => { if (model.table.keys && model.table.kind === kind) { rows = model.table; table.show(rows); } },
    hover: () => shell.tooltip(model.hover.title, model.hover.line, model.hover.at),
    error: () => {
      if (model.error) ui.toast(t("app.failed", { message: model.error }), t("app.close"), () => send("error_seen"), { about: ABOUT[model.refused] });
    },
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
    const now = Boolean(model.selection.facts);
    if (now && !wasSelected) shell.open("facts");
    wasSelected = now;
  });
  model.on("pick", draw.pick);
  model.on("shelf", draw.shelf);
  model.on("table", draw.table);
  model.on("file", () => saveMade(model.file));
  model.on("hover", draw.hover);
  model.on("error", draw.error);
  model.on("frames", () => time.show(model.frames));
  model.on("frame", () => time.frame(model.frame));
  model.on("charts", () => drawn.show(model.charts));
  const guide = tour({ t, f, shell, opener: byId("tour") });
  const wake = () => { ui.loaded(); time.open(link.get("time")); guide.welcome(); };
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

/** How the table was left, from the address. */
function tableState(link) {
  let filters = {};
  try { filters = Object(JSON.parse(link.get("filters") || "{}")); } catch { /* somebody wrote it by hand */ }
  return { query: link.get("find"), sort: link.get("sort"), filters };
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
