// The public page: static files only. Values come per privacy group; nothing is sent anywhere.
import { byId, formatter, h, perFrame, translator } from "./dom.js";
import { keepOffline } from "./offline.js";
import { proposals } from "./proposals.js";
import { today } from "./today.js";
import { spots } from "./spot.js";
import { table as grid } from "./table.js";
import * as ui from "./ui.js";

const config = byId("main-script").dataset;
const language = document.documentElement.lang;
const root = new URL(config.root || "./", document.baseURI);
const at = (path) => new URL(path, root).href;
const read = async (path) => {
  const answer = await fetch(at(path));
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

async function start() {
  const [data, texts] = await Promise.all([read(config.data), read(config.texts)]);
  const t = translator(texts);
  const f = formatter(language);
  f.change = (share) => (Math.abs(share) < 0.005 ? `${f.number(100 * share, 1).replace(/^−0([.,]0)$/, "0$1")}\u00a0%` : f.percent(share));
  // `after`: the state that is compared with today; `entry`: the proposal that is open.
  const state = { colour: data.layers[0].id, frame: "today", after: "retrofit", row: null, entry: null };
  let scene = null;
  const shell = ui.frame({ onTable: () => {}, onEscape: () => select(null) });

  const layerOf = (id) => data.layers.find((layer) => layer.id === id);
  const values = (layer) => {
    const frame = layer.id === "saving" ? state.after : state.frame;
    const source = (layer.values[frame] ?? layer.values.today ?? layer.values.retrofit.map((v) => v && 0)).map((v) => (v === null ? NaN : v));
    return Float32Array.from(layer.by === "group" ? data.buildings.group.map((g) => (g === null ? NaN : source[g])) : source);
  };
  const frameNote = () => {
    const sum = (values) => values.reduce((total, value) => total + (value ?? 0), 0);
    const [today, after] = ["today", state.after].map((id) => sum(data.groups.heating_need_mwh[id]));
    return t("public.frame_note", { heat: f.quantity(after / 1000, "GWh", 1), change: f.percent(after / today - 1) });
  };
  const translated = (layer) => ({
    ...layer, title: t(`layer.${layer.id}.title`), unit: layer.categories.length ? "" : t(`layer.${layer.id}.unit`), note: t(`layer.${layer.id}.note`),
    framed: layer.id !== "saving" && Boolean(layer.values[state.after]),
    ...(state.frame === "retrofit" && layer.values.retrofit ? { note: frameNote() } : {}),
    categories: layer.categories.map((c) => ({ ...c, label: c.code === null ? t("legend.other") : layer.section ? t(`${layer.section}.${c.code}`) : c.code })),
  });
  const paint = () => {
    const layer = layerOf(state.colour);
    showLegend(state.colour, translated(layer));
    if (!scene) return;
    scene.setPalette(layer.palette, layer.min, layer.max, { steps: layer.categories.length > 0 });
    scene.setValues(values(layer));
  };
  const frameTitle = (id) => (id === "retrofit" || id === "today" ? t(`public.frame_${id}`) : t("proposal.compare_after"));
  const makeLegend = () => ui.legend(byId("legend"), {
    t, f, options: data.layers.map((layer) => ({ id: layer.id, title: t(`layer.${layer.id}.title`) })),
    frames: ["today", state.after].map((id) => ({ id, title: frameTitle(id) })), frame: state.frame,
    onColour: (id) => { state.colour = id; paint(); },
    onFrame: (id) => { state.frame = id; paint(); },
  });
  let showLegend = makeLegend();

  const b = data.buildings;
  const members = new Map();
  b.group.forEach((group, row) => { if (group !== null) members.set(group, [...(members.get(group) ?? []), row]); });
  const label = (row) => b.name[row] || t("facts.unnamed");
  const select = (row) => {
    state.row = row;
    const group = row === null ? null : b.group[row];
    scene?.setSelection(row === null ? (state.entry?.rows ?? []) : group === null ? [row] : members.get(group));
    ui.facts(byId("facts"), row === null ? null : content(row), { t, f, onClose: () => select(null) });
    for (const told of followers) told();
    if (row !== null && !state.entry) shell.open("facts");
  };
  const followers = [];
  const content = (row) => {
    const group = b.group[row];
    const g = data.groups;
    const together = group === null ? [row] : members.get(group);
    const energy = group === null ? [] : [
      { label: t("column.heating_need"), key: "heating_need_mwh", unit: "MWh/a" },
      { label: t("column.heating_need_per_area"), key: "heating_need_kwh_m2", unit: "kWh/(m²a)" },
      { label: t("column.co2"), key: "co2_t", unit: "t/a", digits: 1 },
    ].map((item) => ({ ...item, digits: item.digits ?? 0, before: g[item.key].today[group], after: (g[item.key][state.after] ?? g[item.key].today)[group] }));
    const rows = data.attributes.map((attribute) => {
      const value = b[attribute.id][row];
      if (value === null) return null;
      const text = attribute.section ? t(`${attribute.section}.${value}`) : typeof value === "string" ? value
        : attribute.id === "year_of_construction" ? String(value) : f.quantity(value, attribute.unit, attribute.digits);
      return { label: t(`column.${attribute.id}`), value: text, source: b[`${attribute.id}_kind`]?.[row] ?? null };
    }).filter(Boolean);
    return {
      kind: together.length > 1 ? t("facts.group") : t("facts.building"),
      title: label(row), subtitle: b.quarter[row] ?? "", in_block: 1, chart: null, rows, energy,
      changed: true,
      heads: ["today", state.after].map(frameTitle),
      note: group === null ? t(b.heated[row] ? "facts.hidden" : "facts.unheated")
        : together.length > 1 ? `${t("facts.shared", { dwellings: f.number(g.dwellings[group]), buildings: f.number(together.length) })}. ${t("facts.group_note")}` : "",
    };
  };

  const columns = [
    { id: "name", title: t("column.name") }, { id: "quarter", title: t("column.quarter"), wide: true },
    { id: "buildings", title: t("column.buildings"), number: true, wide: true },
    { id: "dwellings", title: t("column.dwellings"), number: true },
    { id: "need", title: t("column.heating_need"), unit: "MWh/a", number: true },
    { id: "per_area", title: t("column.heating_need_per_area"), unit: "kWh/(m²a)", number: true },
    ...(data.frames.length > 1 ? [{ id: "after", title: t("public.frame_retrofit"), unit: "MWh/a", number: true, wide: true }] : []),
  ];
  const g = data.groups;
  const table = grid(byId("table"), {
    t, f, caption: () => t("table.caption_public"), download: at(data.csv),
    onPick: (i) => { shell.showTable(false); select(members.get(i)[0]); },
  });
  const cells = {
    name: g.name, quarter: g.quarter, buildings: g.buildings, dwellings: g.dwellings,
    need: g.heating_need_mwh.today, per_area: g.heating_need_kwh_m2.today, after: g.heating_need_mwh.retrofit ?? [],
  };
  table.show({ columns, values: cells });
  const find = finder(b.name, (row) => { select(row); scene?.focus(row); });
  searchField(t, find);
  const api = config.api ? new URL(`${config.api.replace(/\/+$/, "")}/`, root).href : "";
  let drawn = null;
  const app = {
    data, t, f, state, shell, label, config, find, language, api,
    live: api && "live" in config ? `${api}api/sensorthings/v1.1` : "",
    liveMs: Number(config.live) * 1000,
    rentSource: byId("main-script").dataset.rent,
    onSelect: (told) => followers.push(told),
    search: (field, sure) => find(field.value, sure),
    show: (colour, frame) => { state.colour = colour; state.frame = frame; showLegend = makeLegend(); paint(); },
    clear: () => select(null),
    spots: spots({ t, shell, scene: () => scene, name: (row) => b.name[row], ready: new Promise((resolve) => { drawn = resolve; }) }),
    present: (view, entry) => { // a step of a story
      shell.showTable(false);
      state.row = null;
      app.show(view.layer ?? state.colour, view.frame === "proposal" ? entry.frame ?? "today" : "today");
      ui.facts(byId("facts"), null, { t, f });
      scene?.setSelection(view.highlight ? entry.rows ?? [] : []);
      if (view.look === "overview") scene?.setCamera(null);
      else if (view.look === "proposal") scene?.flyTo({ buildings: entry.rows ?? [] });
      else if (view.look) scene?.setCamera(view.look);
    },
    showPlace: (entry) => { shell.showTable(false); select(null); scene?.flyTo({ buildings: entry.rows }); shell.fold(); },
  };
  select(null);
  today(app, document.querySelector("[data-today]"));
  let walk = null;
  if (new URLSearchParams(location.search).has("kiosk")) document.body.classList.add("kiosk");
  proposals(app, (entry, story) => {
    walk = story;
    state.entry = entry;
    state.after = entry?.frame ?? "retrofit";
    state.frame = "today";
    state.colour = entry?.frame ? "saving" : data.layers[0].id;
    showLegend = makeLegend();
    select(state.row);
    paint();
    if (walk) walk.open();
    else if (entry?.rows?.length && state.row === null) scene?.flyTo({ buildings: entry.rows });
  });

  let sunTime = null;
  ui.sun(byId("sun"), { t, onSun: perFrame((time) => { sunTime = time; scene?.setSun(time); }) });
  try {
    const { createScene } = await import(at(config.scene));
    scene = createScene(byId("canvas"), {
      manifest: at(config.manifest), label: t("scene.label"), language: language.startsWith("de") ? "de" : "en", attribution: false,
    });
    scene.on("hover", (row) => {
      if (row === null) return shell.tooltip(null);
      const layer = translated(layerOf(state.colour));
      const value = values(layerOf(state.colour))[row];
      const text = Number.isNaN(value) ? "" : layer.categories.length ? layer.categories[value].label
        : layer.id === "year" ? String(value) : f.quantity(value, layer.unit, layer.digits);
      shell.tooltip(label(row), text);
    });
    scene.on("click", (row) => select(row));
    if (sunTime) scene.setSun(sunTime);
    paint();
    select(state.row);
    await scene.ready;
    drawn();
    ui.loaded();
    if (walk) walk.again();
    else if (state.entry?.rows?.length) scene.flyTo({ buildings: state.entry.rows });
  } catch (error) {
    ui.loaded(t("scene.failed"));
    throw error;
  } finally {
    keepOffline(root);
  }
}

/** Looks up what people type: a name, or with `sure` its beginning or a part of it; fills the list of suggestions. */
function finder(all, onFound) {
  const names = new Map();
  all.forEach((name, row) => { if (name && !names.has(name)) names.set(name, row); });
  const list = byId("search-list");
  return (text, sure = false) => {
    const query = text.trim().toLowerCase();
    const found = query.length < 2 ? [] : [...names.keys()].filter((name) => name.toLowerCase().includes(query));
    list.replaceChildren(...found.slice(0, 12).map((name) => h("option", { value: name })));
    const name = names.has(text) ? text : sure ? found.find((one) => one.toLowerCase().startsWith(query)) ?? found[0] : null;
    if (name) onFound(names.get(name));
    return Boolean(name);
  };
}

function searchField(t, find) {
  const field = byId("search");
  const note = byId("search-note");
  field.addEventListener("input", () => { note.textContent = ""; find(field.value); });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !find(field.value, true)) note.textContent = t("search.none");
  });
}

start();
