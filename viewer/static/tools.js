// A bar of tools over the scene: measure, lasso, sight, sun on the ground, one's own layer, a picture.
import { h } from "./dom.js";
import * as geojson from "./geojson.js";
import { picture } from "./screenshot.js";
import { choice, cross, icon } from "./ui.js";

const ICONS = {
  length: "M3 17 17 3M3 17l.5-4.500M3 17l4.500-.5M17 3l-.5 4.500M17 3l-4.500.5",
  area: "M3.500 6 12 3.500l5 6-4 7H5.500z",
  lasso: "M10 3.500c4.500 0 7.500 2 7.500 4.500s-3 4.500-7.500 4.500S2.500 10.500 2.500 8 5.500 3.500 10 3.500zM6 12c-1.500 1-1.500 3 0 3s1.500 2 .5 2.500",
  sight: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8a2 2 0 1 1 0 4 2 2 0 0 1 0-4z",
  viewshed: "M4 16 10 4l6 12M6.500 16a3.500 3.500 0 0 1 7 0",
  outlook: "M4 3.500h12v13H4zM10 3.500v13M4 10h12",
  sun_hours: "M10 6.500a3.500 3.500 0 1 1 0 7 3.500 3.500 0 0 1 0-7zM10 2v2M10 16v2M2 10h2M16 10h2M4.500 4.500l1.300 1.300M14.200 14.200l1.300 1.300M4.500 15.500l1.300-1.300M14.200 5.800l1.300-1.300",
  own: "M10 3 3 7l7 4 7-4zM3 10.500l7 4 7-4M3 14l7 4 7-4",
  image: "M3 6h3l1.500-2h5L14 6h3v10H3zM10 8a3 3 0 1 1 0 6 3 3 0 0 1 0-6z",
  open: "M3 6h14M3 10h14M3 14h9",
};
const CLIENT = ["length", "area", "own", "image"];
const SERVER = ["lasso", "sight", "viewshed", "outlook", "sun_hours"];
const ORDER = ["length", "area", "lasso", "sight", "viewshed", "outlook", "sun_hours", "own", "image"];
const INK = "#d1495b";
const FREE = "#17853f";
const HIDDEN = "#c2321f";
const OWN = "#7a3fb0";

/**
 * Tools over `stage`, the element that holds the scene.
 * `scene`: gives the scene's handle once it is there; `send`: to the server, null where there is none.
 * Returns {answer, close}: `answer` takes what the server says.
 */
export function tools(stage, { t, f, scene, send = null, legend = () => null, title = () => document.title }) {
  const offered = ORDER.filter((name) => CLIENT.includes(name) || (send && SERVER.includes(name)));
  let open = null;
  let shown = null; // legend of what a tool laid on the ground
  let asked = 0;
  let stops = [];
  const said = h("p", { class: "result", role: "status" });
  const heading = h("h2", { tabIndex: -1 });
  const body = h("div", { class: "body" });
  const card = h("section", { class: "card tool-card", hidden: true, "aria-labelledby": "tool-title" },
    h("div", { class: "head" }, heading, h("button", { type: "button", class: "quiet close", "aria-label": t("tools.close"), title: t("tools.close"), onclick: () => close(true) }, cross())), body, said);
  heading.id = "tool-title";
  const buttons = new Map(offered.map((name) => [name, h("button", {
    type: "button", "data-tool": name, "aria-pressed": "false", title: t(`tools.${name}`), onclick: () => (open === name ? close(true) : start(name)),
  }, icon(ICONS[name]), h("span", {}, t(`tools.${name}`)))]));
  const fold = h("button", { type: "button", class: "fold", "aria-expanded": "false", onclick: () => unfold(!bar.classList.contains("unfolded")) }, icon(ICONS.open), t("tools.title"));
  const bar = h("div", { class: "toolbar", role: "toolbar", "aria-label": t("tools.title") }, fold, h("div", { class: "buttons" }, [...buttons.values()]));
  const unfold = (on) => { bar.classList.toggle("unfolded", on); fold.setAttribute("aria-expanded", String(on)); };
  bar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const shown = [...buttons.values()];
    const at = shown.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    shown[(at + step + shown.length) % shown.length].focus();
  });
  stage.append(bar, card);

  const view = () => scene();
  const listen = (event, action) => stops.push(view().on(event, action));
  const say = (text) => { said.textContent = text; };
  const ask = (kind, values) => { asked += 1; say(t("tools.computing")); card.classList.add("waiting"); send(kind, { ...values, ask: asked }); };
  const metres = (value, digits = 1) => f.quantity(value, "m", value >= 1000 ? 0 : digits);

  function start(name) {
    if (!view()) return;
    if (name === "image") { unfold(false); picture({ t, f, scene: view(), legend: shown ?? legend(), title: title() }); return; }
    const back = buttons.get(name);
    close(false);
    unfold(false);
    open = name;
    back.setAttribute("aria-pressed", "true");
    heading.textContent = t(`tools.${name}`);
    body.replaceChildren();
    say("");
    card.dataset.tool = name;
    card.hidden = false;
    stage.classList.add("tool-open");
    RUN[name]();
  }

  function close(refocus) {
    if (open === null) return;
    const name = open;
    open = shown = null;
    for (const stop of stops.splice(0)) stop();
    buttons.get(name).setAttribute("aria-pressed", "false");
    card.hidden = true;
    card.classList.remove("waiting");
    stage.classList.remove("tool-open");
    view()?.setTool(false);
    view()?.setShapes("tool", null);
    if (send && SERVER.includes(name) && name !== "lasso") { asked += 1; send("tool_off"); }
    if (refocus) (fold.offsetParent ? fold : buttons.get(name)).focus();
  }
  // Before others hear of it: Escape ends the tool and keeps the selection.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    if (open === null && !bar.classList.contains("unfolded")) return;
    event.stopPropagation();
    unfold(false);
    close(true);
  }, true);

  const hint = (key) => h("p", { class: "hint" }, t(key));
  const button = (key, onclick, kind = "text-button") => h("button", { type: "button", class: kind, onclick }, t(key));
  const ground = (place) => (place.building === null ? NaN : place.height);
  const flat = (places) => places.flatMap((p) => [p.east, p.north, ground(p)]);
  const dots = (places, colour) => places.map((p) => ({ kind: "point", points: [p.east, p.north, p.height], colour, width: 3 }));

  /** Corner after corner; `told` says what they make. */
  function corners(shape, told) {
    let places = [];
    const draw = () => {
      const marks = dots(places, INK);
      if (places.length > 1) marks.unshift({ kind: shape === "area" && places.length > 2 ? "area" : "line", points: flat(places), colour: INK, width: 3 });
      view().setShapes("tool", marks);
      say(told(places));
      undo.disabled = again.disabled = places.length === 0;
    };
    const undo = button("tools.undo", () => { places = places.slice(0, -1); draw(); });
    const again = button("tools.again", () => { places = []; draw(); });
    body.replaceChildren(hint("tools.corners_hint"), h("div", { class: "row" }, undo, again));
    view().setTool(true);
    listen("place", (place) => { if (place) { places = [...places, place]; draw(); } else say(t("tools.beyond")); });
    draw();
  }

  function measureLength() {
    corners("line", (places) => {
      if (places.length < 2) return t("tools.length_start");
      let [level, along] = [0, 0];
      places.slice(1).forEach((b, i) => {
        const a = places[i];
        const run = Math.hypot(b.east - a.east, b.north - a.north);
        level += run;
        along += Math.hypot(run, b.height - a.height);
      });
      const rise = places.at(-1).height - places[0].height;
      return t("tools.length_told", { along: metres(along), level: metres(level), rise: `${rise > 0 ? "+" : ""}${metres(rise)}` });
    });
  }

  function measureArea() {
    corners("area", (places) => {
      if (places.length < 3) return t("tools.area_start");
      let [twice, around] = [0, 0];
      places.forEach((a, i) => {
        const b = places[(i + 1) % places.length];
        twice += (a.east - places[0].east) * (b.north - places[0].north) - (b.east - places[0].east) * (a.north - places[0].north);
        around += Math.hypot(b.east - a.east, b.north - a.north);
      });
      const area = Math.abs(twice) / 2;
      return t("tools.area_told", { area: f.quantity(area, "m²", area < 100 ? 1 : 0), hectares: f.quantity(area / 1e4, "ha", 2), around: metres(around) });
    });
  }

  /** A line drawn by hand, or corners by Enter; what lies inside is selected. */
  function lasso() {
    let places = [];
    let trail = null;
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("class", "lasso");
    const drawn = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
    svg.append(drawn);
    stage.querySelector(".canvas").append(svg);
    stops.push(() => svg.remove());
    const at = (event) => { const box = svg.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
    const show = (points) => drawn.setAttribute("points", points.map((p) => p.map((v) => v.toFixed(1)).join(",")).join(" "));
    const select = (polygon) => {
      const rows = view().within(polygon);
      const ids = rows.map((row) => view().manifest.buildings.id[row]);
      send("lasso", { ids });
      say(t("tools.lasso_told", { count: f.number(ids.length) }));
      places = [];
      marks();
    };
    const marks = () => {
      view().setShapes("tool", [...(places.length > 1 ? [{ kind: places.length > 2 ? "area" : "line", points: flat(places), colour: INK }] : []), ...dots(places, INK)]);
      done.disabled = places.length < 3;
    };
    svg.addEventListener("pointerdown", (event) => { trail = [at(event)]; svg.setPointerCapture(event.pointerId); event.preventDefault(); });
    svg.addEventListener("pointermove", (event) => { if (trail) { trail.push(at(event)); show(trail); } });
    svg.addEventListener("pointerup", () => {
      const points = trail;
      trail = null;
      show([]);
      if (!points) return;
      const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
      if (Math.max(...xs) - Math.min(...xs) > 8 || Math.max(...ys) - Math.min(...ys) > 8) return select(points);
      const place = view().place(...points[0]);
      if (place) { places = [...places, place]; marks(); }
    });
    const done = button("tools.lasso_done", () => {
      const polygon = places.map((p) => view().projectPlace([p.east, p.north, p.height])).filter(Boolean).map(({ x, y }) => [x, y]);
      select(polygon);
    }, "primary");
    body.replaceChildren(hint("tools.lasso_hint"), h("div", { class: "row" }, done, button("tools.clear_selection", () => { send("lasso", { ids: [] }); say(""); })));
    view().setTool(true);
    listen("place", (place) => { if (place) { places = [...places, place]; marks(); } });
    marks();
  }

  const plain = (place) => ({ east: place.east, north: place.north, height: place.height, normal: place.normal });

  function sight() {
    let first = null;
    body.replaceChildren(hint("tools.sight_hint"));
    say(t("tools.sight_start"));
    view().setTool(true);
    listen("place", (place) => {
      if (!place) return say(t("tools.beyond"));
      if (!first) {
        first = place;
        view().setShapes("tool", dots([place], INK));
        return say(t("tools.sight_next"));
      }
      view().setShapes("tool", dots([first, place], INK));
      ask("sight", { eye: plain(first), target: plain(place) });
      first = null;
    });
  }

  function fromPoint(kind, key) {
    body.replaceChildren(hint(key));
    say(t("tools.point_start"));
    view().setTool(true);
    listen("place", (place) => {
      if (!place) return say(t("tools.beyond"));
      view().setShapes("tool", dots([place], INK));
      ask(kind, { eye: plain(place), ...(kind === "outlook" && planned() ? { planned: planned() } : {}) });
    });
  }

  const periods = { day: t("tools.period_day"), summer: t("tools.period_summer"), winter: t("tools.period_winter"), year: t("tools.period_year") };
  const area = { period: "day", trees: true, on: "ground" };
  function sunHours() {
    const period = h("select", { id: "sun-period", onchange: () => { area.period = period.value; } },
      Object.entries(periods).map(([name, said]) => h("option", { value: name, selected: name === area.period }, said)));
    const trees = h("input", { type: "checkbox", checked: area.trees, onchange: () => { area.trees = trees.checked; } });
    const where = choice(t("tools.sun_on"), "sun-on", [{ id: "ground", title: t("tools.sun_on_ground") }, { id: "facades", title: t("tools.sun_on_facades") }], area.on, (id) => { area.on = id; told.textContent = t(about()); });
    const about = () => (area.on === "facades" ? "tools.sun_hint_facades" : "tools.sun_hint");
    const told = hint(about());
    const go = button("tools.sun_compute", () => {
      const size = stage.getBoundingClientRect();
      const middle = view().place(size.width / 2, size.height / 2) ?? view().place(size.width / 2, size.height * 0.8);
      if (!middle) return say(t("tools.beyond"));
      const date = document.getElementById("sun-date")?.value || new Date().toISOString().slice(0, 10);
      send("tool_off"); // what the other of both drew
      walls = false;
      ask(area.on === "facades" ? "sun_hours_facades" : "sun_hours", { period: area.period, date, trees: area.trees, at: [middle.east, middle.north] });
    }, "primary");
    let walls = false;
    wallsShown = () => { walls = true; };
    view().setTool(true);
    listen("place", (place) => { if (walls && place) send("sun_wall", { ...plain(place), ask: asked }); });
    body.replaceChildren(told, where, h("div", { class: "field" }, h("label", { for: "sun-period" }, t("tools.period")), period),
      h("label", { class: "check" }, trees, t("tools.with_planted")), go, h("div", { class: "scale-of" }));
  }

  let wallsShown = () => {};
  let own = null;
  /** The areas of one's own layer as a planned building, once somebody gave it a height; null: none. */
  const planned = () => {
    const areas = own?.height ? own.parts.filter((part) => part.kind === "area").map((part) => part.rings) : [];
    return areas.length ? { areas, height_m: own.height } : null;
  };
  function ownLayer() {
    const file = h("input", { type: "file", id: "own-file", accept: ".geojson,.json,application/geo+json,application/json", onchange: async () => {
      const chosen = file.files[0];
      if (!chosen) return;
      try {
        if (chosen.size > geojson.MOST_BYTES) throw new geojson.LayerError("tools.own_too_big", { size: chosen.size / 1e6, most: geojson.MOST_BYTES / 1e6 });
        const parts = geojson.read(await chosen.text(), chosen.size);
        const [west, south, east, north] = geojson.bounds(parts);
        const { origin, extent } = view().manifest;
        if (east < origin[0] + extent[0] || west > origin[0] + extent[2] || north < origin[1] + extent[1] || south > origin[1] + extent[3]) throw new geojson.LayerError("tools.own_far");
        own = { name: chosen.name, parts, height: 0 };
        view().setShapes("own", geojson.shapes(parts, OWN));
        list();
        say(t("tools.own_told", { name: own.name, count: f.number(parts.length) }));
      } catch (error) {
        if (!(error instanceof geojson.LayerError)) throw error;
        const numbers = Object.fromEntries(Object.entries(error.values).map(([name, value]) => [name, typeof value === "number" ? f.number(value, name === "count" || value >= 10 || Number.isInteger(value) ? 0 : 1) : value]));
        say(t(error.key, numbers));
      }
      file.value = "";
    } });
    const facts = h("dl", { class: "attributes own-facts" });
    const tall = () => {
      const input = h("input", { type: "number", id: "own-height", min: "1", max: "300", step: "0.5", value: own.height ? String(own.height) : "", onchange: () => {
        own.height = input.validity.valid ? Number(input.value) : 0;
        say(own.height ? t("tools.own_planned", { height: metres(own.height) }) : "");
      } });
      return h("div", { class: "field" }, h("label", { for: "own-height" }, t("tools.own_height")), input, hint("tools.own_height_hint"));
    };
    const list = () => {
      body.replaceChildren(hint("tools.own_hint"), h("label", { class: "primary file" }, file, t(own ? "tools.own_other" : "tools.own_choose")), ...(own ? [h("div", { class: "row own-name" }, h("b", {}, own.name),
        button("tools.own_remove", () => { own = null; view().setShapes("own", null); list(); say(t("tools.own_removed")); })), send && own.parts.some((part) => part.kind === "area") ? tall() : "", facts] : []));
      facts.replaceChildren();
      view().setTool(own !== null);
    };
    listen("place", (place) => {
      if (!own || !place) return;
      const camera = view().getCamera();
      const away = Math.hypot(...camera.position.map((v, i) => v - camera.target[i]));
      const found = geojson.featureAt(own.parts, [place.east, place.north], Math.max(3, away / 60));
      const rows = found ? Object.entries(found.properties).filter(([, value]) => value !== null && value !== "").slice(0, 40) : [];
      facts.replaceChildren(...rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, typeof value === "object" ? JSON.stringify(value) : String(value)))));
      say(!found ? t("tools.own_none") : rows.length ? "" : t("tools.own_no_facts"));
    });
    list();
  }

  const RUN = {
    length: measureLength, area: measureArea, lasso, sight, own: ownLayer, sun_hours: sunHours,
    viewshed: () => fromPoint("viewshed", "tools.viewshed_hint"), outlook: () => fromPoint("outlook", "tools.outlook_hint"),
  };

  /** The classes of hours below the tool, and in the picture that is saved; says for when they are. */
  const sunLegend = (a) => {
    const names = a.edges.map((edge, i) => (i + 1 < a.edges.length ? `${edge}–${a.edges[i + 1]}` : `≥\u202f${edge}`));
    const list = h("ul", { class: "classes", "aria-label": t("tools.sun_legend") }, names.map((name, i) => { const box = h("span", { class: "swatch", "aria-hidden": "true" }); box.style.background = a.colours[i]; return h("li", {}, box, name); }));
    body.querySelector(".scale-of")?.replaceChildren(h("p", { class: "unit" }, t("tools.sun_legend")), list);
    shown = { title: t("tools.sun_legend"), unit: "", categories: names.map((label, i) => ({ label, colour: a.colours[i] })) };
    return a.period === "day" ? new Date(`${a.date}T12:00`).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long" }) : periods[a.period];
  };
  const percent = (share) => f.quantity(100 * share, "%");
  const TOLD = {
    sight: (a) => {
      const end = { kind: "line", through: true, width: 4 };
      view().setShapes("tool", [
        { ...end, points: [...a.eye, ...a.end], colour: FREE },
        ...(a.clear ? [] : [{ ...end, points: [...a.end, ...a.target], colour: HIDDEN }]),
        { kind: "point", points: a.eye, colour: INK, width: 3 }, { kind: "point", points: a.target, colour: INK, width: 3 },
        ...(a.clear ? [] : [{ kind: "point", points: a.end, colour: HIDDEN, width: 4 }]),
      ]);
      const dim = 1 - a.light[1] > 0.02 ? ` ${t("tools.sight_trees", { summer: percent(a.light[1]), winter: percent(a.light[0]) })}` : "";
      say((a.clear ? t("tools.sight_clear", { length: metres(a.length_m, 0) })
        : t("tools.sight_blocked", { free: metres(a.free_m, 0), length: metres(a.length_m, 0), name: a.blocker })) + dim);
    },
    viewshed: (a) => say(t("tools.viewshed_told", { area: f.quantity(a.seen_ha, "ha", 1), share: percent(a.share_500m) })),
    outlook: (a) => {
      const rows = [["sky", t("tools.view_sky")], ["green", t("tools.view_green")], ["buildings", t("tools.view_buildings")], ["ground", t("tools.view_ground")]]
        .map(([name, said]) => [said, a.shares[name], name]);
      const taken = a.taken ? ` ${t("tools.outlook_taken", { sky: percent(a.taken.sky_sr), land: percent(a.taken.land_sr) })}` : "";
      say(t(a.window ? "tools.outlook_window" : "tools.outlook_place", { list: rows.map(([name, share]) => `${name} ${percent(share)}`).join(", ") }) + taken);
      const bars = h("div", { class: "shares", "aria-hidden": "true" }, rows.map(([, share, name]) => { const part = h("i", { class: name }); part.style.flexGrow = String(share); return part; }));
      body.querySelector(".shares")?.remove();
      body.append(bars);
    },
    sun_hours: (a) => {
      const when = sunLegend(a);
      const taken = a.taken === null ? "" : ` ${t("tools.sun_taken", { share: percent(a.taken) })}`;
      say(t("tools.sun_told", { when, mean: f.number(a.mean_h, 1), possible: f.number(a.possible_h, 1), share: percent(a.least_2h) }) + taken);
    },
    sun_hours_facades: (a) => {
      const when = sunLegend(a);
      const sides = [["north", "tools.side_north"], ["east", "tools.side_east"], ["south", "tools.side_south"], ["west", "tools.side_west"]].map(([side, key]) => t(key, { hours: f.number(a.sides[side], 1) })).join(", ");
      const taken = a.taken_h === null ? "" : ` ${t("tools.sun_taken_facades", { hours: f.number(a.taken_h, 2) })}`;
      say(t("tools.sun_told_facades", { when, mean: f.number(a.mean_h, 1), possible: f.number(a.possible_h, 1), buildings: f.number(a.buildings), sides }) + taken);
      wallsShown();
    },
    sun_wall: (a) => say(a.wall ? t("tools.sun_wall", { hours: f.number(a.wall.hours, 1), mean: f.number(a.wall.mean_h, 1), name: a.wall.name }) : t("tools.sun_no_wall")),
    progress: (a) => say(t("tools.computing_share", { share: percent(a.share) })),
    failed: () => say(t("tools.failed")),
  };

  return {
    close,
    answer: (a) => {
      if (open === null || a.ask !== asked || !TOLD[a.kind]) return;
      card.classList.toggle("waiting", a.kind === "progress");
      TOLD[a.kind](a);
      said.scrollIntoView({ block: "nearest" });
    },
  };
}
