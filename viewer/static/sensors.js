// The sensors on the manager's page: alarms, lists and histories; what is new changes single cells, never the page.
import { byId, fill, h } from "./dom.js";
import { lineChart } from "./chart.js";
import { choice, cross } from "./ui.js";

const RANGES = ["day", "week", "month", "year"];
const LENGTH_S = { day: 86400, week: 7 * 86400, month: 31 * 86400, year: 366 * 86400 };
const SHAPE = {
  ok: "M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13z", waiting: "M8 1.500a6.500 6.500 0 1 0 0 13a6.500 6.500 0 1 0 0-13z",
  suspect: "M8 .5 15.500 8 8 15.500.5 8z", silent: "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12z", alarm: "M8 1 15.500 15H.5z",
};

function sign(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `sign ${state}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", SHAPE[state] ?? SHAPE.ok);
  svg.append(path);
  return svg;
}

/** Wire the bridge's sensor parameters to the page. */
export function sensors(model, { t, f, send, shell, language }) {
  const ago = new Intl.RelativeTimeFormat(language === "en" ? "en-GB" : language, { style: "short", numeric: "always" });
  let skew = 0; // the server's clock less this one's [ms]
  const age = (time) => {
    if (time === null || time === undefined) return t("sensor.never");
    const seconds = Math.max(0, Math.round((Date.now() + skew - time) / 1000));
    if (seconds < 90) return ago.format(-seconds, "second");
    if (seconds < 5400) return ago.format(-Math.round(seconds / 60), "minute");
    return seconds < 172800 ? ago.format(-Math.round(seconds / 3600), "hour") : ago.format(-Math.round(seconds / 86400), "day");
  };
  const simulated = () => h("span", { class: "simulated" }, t("sensor.simulated"));

  // The list
  const rows = new Map(); // id → { thing, read, state, value, time }
  const alarmBox = h("div", { class: "alarms", "aria-live": "polite" });
  const feedBox = h("div", { class: "feed" });
  const list = h("div", { class: "device-list" });
  const waterBox = h("div", {});
  const panel = byId("sensors");
  const dress = (row) => {
    row.signBox.replaceChildren(sign(row.read.state));
    row.value.textContent = row.read.value;
    row.stateText.textContent = row.read.state === "ok" ? "" : t(`sensor.state_${row.read.state}`);
    row.time.textContent = age(row.read.time);
    row.button.dataset.state = row.read.state;
  };
  const rowOf = (thing) => {
    const row = {
      thing, read: thing.read, signBox: h("span", { class: "sign-box" }), value: h("b", {}), time: h("small", { class: "age" }), stateText: h("small", { class: "state" }),
    };
    row.button = h("button", { type: "button", class: "device", "data-id": String(thing.id), onclick: () => send("sensor", { id: thing.id }) },
      row.signBox, h("span", { class: "name" }, thing.name, row.stateText), h("span", { class: "latest" }, row.value, row.time));
    dress(row);
    rows.set(thing.id, row);
    return row.button;
  };
  const showList = () => {
    const { things = [], now } = model.sensors;
    if (now) skew = now - Date.now();
    rows.clear();
    const kinds = [...new Set(things.map((thing) => thing.kind))];
    byId("side-tabs").hidden = !things.length;
    fill(panel,
      h("div", { class: "block" }, h("div", { class: "row" }, h("h2", {}, t("sensor.title")), model.sensors.simulated && simulated()),
        h("p", { class: "hint" }, t("sensor.count", { count: f.number(things.length) })), feedBox),
      h("div", { class: "block" }, h("h2", {}, t("sensor.alarms")), alarmBox),
      waterBox,
      h("div", { class: "block" }, h("h2", {}, t("sensor.devices")), list));
    list.replaceChildren(...kinds.map((kind) => {
      const own = things.filter((thing) => thing.kind === kind).sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }));
      return h("details", { open: kinds.length < 3 || own.length < 8 }, h("summary", {}, t(`kind.${kind || "other"}`), h("span", { class: "n" }, f.number(own.length))), own.map(rowOf));
    }));
    showAlarms();
    showFeed();
    showWater();
  };
  const showNews = () => {
    skew = model.readings.now - Date.now();
    for (const [id, read] of Object.entries(model.readings.of ?? {})) {
      const row = rows.get(Number(id));
      if (!row) continue;
      row.read = read;
      dress(row);
      if (Number(id) === model.device.id) tellDevice(read);
    }
  };
  let undone = []; // alarms that "all" acknowledged, for undoing it
  const showAlarms = () => {
    const open = model.alarms.filter((alarm) => !alarm.seen_by).length;
    for (const badge of document.querySelectorAll(".alarm-count")) {
      badge.hidden = !open;
      badge.textContent = f.number(open);
      badge.title = t("sensor.alarm_count", { count: f.number(open) });
    }
    if (!model.alarms.length) return void alarmBox.replaceChildren(h("p", { class: "hint" }, t("alarm.none")));
    const undo = () => { const alarms = undone; undone = []; send("withdraw", { alarms }); };
    const all = () => { undone = model.alarms.filter((alarm) => !alarm.seen_by).map((alarm) => alarm.id); send("acknowledge_all", {}); };
    alarmBox.replaceChildren(h("p", { class: "row" },
      open > 1 && h("button", { type: "button", class: "small", "data-do": "all", onclick: all }, t("sensor.acknowledge_all")),
      !open && undone.length > 0 && h("button", { type: "button", class: "small", "data-do": "undo", onclick: undo }, t("sensor.acknowledge_undo"))),
    h("ul", {}, model.alarms.map((alarm) => h("li", { class: alarm.seen_by ? "seen" : "", "data-alarm": String(alarm.id) },
      sign(alarm.kind === "silent" ? "silent" : "alarm"),
      h("div", {}, h("button", { type: "button", class: "text-button", onclick: () => send("sensor", { id: alarm.thing }) }, rows.get(alarm.thing)?.thing.name ?? String(alarm.thing)),
        h("p", {}, alarm.reason), alarm.seen_by && h("p", { class: "hint" }, t("sensor.seen", { name: alarm.seen_by }))),
      !alarm.seen_by && h("button", { type: "button", class: "small", onclick: () => send("acknowledge", { alarm: alarm.id }) }, t("sensor.acknowledge"))))));
  };
  const showWater = () => {
    const { areas = [], trees = [], litres = 0 } = model.watering;
    const swatch = (colour) => h("span", { class: `pf ${colour || "unknown"}`, "aria-hidden": "true" });
    const things = new Map([...rows.values()].map(({ thing }) => [thing.area, thing.id]));
    fill(waterBox, areas.length > 0 && h("div", { class: "block watering" },
      h("div", { class: "row" }, h("h2", {}, t("sensor.watering")), model.watering.simulated && simulated()),
      h("table", { class: "water" }, h("thead", {}, h("tr", {}, ["area", "pf", "yellow", "red"].map((id) => h("th", { scope: "col" }, t(`sensor.water_${id}`))))),
        h("tbody", {}, areas.map((area) => h("tr", {},
          h("th", { scope: "row" }, swatch(area.colour), h("button", { type: "button", class: "text-button", onclick: () => things.has(area.key) && send("sensor", { id: things.get(area.key) }) }, area.name),
            h("small", {}, area.state)),
          h("td", {}, area.pf), h("td", {}, area.yellow), h("td", {}, area.red))))),
      h("p", { class: "hint" }, t("sensor.water_note")),
      h("details", {}, h("summary", {}, t("sensor.trees", { count: f.number(trees.length), litres: f.number(litres) })),
        h("ul", { class: "tree-list" }, trees.slice(0, 200).map((tree) => h("li", {}, swatch(tree.colour), h("span", {}, tree.name), h("span", { class: "latest" }, h("b", {}, f.quantity(tree.litres, "l")), h("small", {}, t("sensor.by", { day: tree.by })))))))));
  };
  const showFeed = () => {
    const { there, running, failed } = model.feed;
    fill(feedBox, there && h("p", { class: "hint" }, h("span", { class: running ? "live-dot" : "live-dot off", "aria-hidden": "true" }),
      failed ? t("sensor.feed_failed") : t(running ? "sensor.feed_running" : "sensor.feed_stopped")),
    there && h("button", { type: "button", class: "small", onclick: () => send("feed", { run: !running }) }, t(running ? "sensor.feed_stop" : "sensor.feed_start")));
  };

  // The history of one device
  const card = byId("device");
  const chart = h("div", { class: "chart-box" });
  const cells = new Map(); // stream → { value, time }
  const agreement = h("p", { class: "hint agreement" });
  const ranges = h("div", {});
  const spanText = h("span", { class: "span" });
  const earlier = h("button", { type: "button", class: "small", "aria-label": t("sensor.earlier"), title: t("sensor.earlier"), onclick: () => shift(-1) }, "‹");
  const later = h("button", { type: "button", class: "small", "aria-label": t("sensor.later"), title: t("sensor.later"), onclick: () => shift(1) }, "›");
  const shift = (by) => {
    const { stream, range, to } = model.history;
    const end = to + by * LENGTH_S[range];
    send("history", { stream, range, end: end * 1000 >= Date.now() + skew ? null : end });
  };
  const ask = (changes) => send("history", { stream: model.history.stream, range: model.history.range, end: null, ...changes });
  const tellDevice = (read) => {
    for (const [stream, [value, time, flag]] of Object.entries(read.of ?? {})) {
      const cell = cells.get(Number(stream));
      if (!cell) continue;
      cell.value.textContent = value;
      cell.time.dataset.time = String(time);
      cell.time.textContent = age(time);
      cell.flag.textContent = flag > 2 ? t(`flag.${flag}`) : "";
    }
  };
  const showDevice = () => {
    const device = model.device;
    const open = Boolean(device.id);
    document.body.classList.toggle("device-open", open);
    card.classList.toggle("idle", !open);
    if (!open) return void card.replaceChildren();
    cells.clear();
    fill(card,
      h("div", { class: "head" }, h("p", { class: "kicker" }, [t(`kind.${device.kind || "other"}`), device.place].filter(Boolean).join(" · ")), h("h2", {}, device.name),
        h("button", { type: "button", class: "quiet close", "aria-label": t("sensor.close"), title: t("sensor.close"), onclick: () => send("sensor", { id: null }) }, cross()),
        device.simulated && simulated()),
      h("div", { class: "block" }, h("ul", { class: "streams" }, device.streams.map((stream) => {
        const cell = { value: h("b", {}, stream.value), time: h("small", { "data-time": String(stream.time) }, age(stream.time)), flag: h("small", { class: "flagged" }, stream.flag > 2 ? t(`flag.${stream.flag}`) : "") };
        cells.set(stream.id, cell);
        return h("li", {}, h("button", { type: "button", "data-stream": String(stream.id), "aria-pressed": "false", onclick: () => ask({ stream: stream.id }) },
          h("span", {}, stream.name, cell.flag), h("span", { class: "latest" }, cell.value, cell.time)));
      })),
      device.building && h("p", {}, h("button", { type: "button", class: "text-button", onclick: () => { send("sensor", { id: null }); send("select", { id: device.building, fly: true }); } }, t("sensor.to_building")))),
      h("div", { class: "block" }, h("h2", { class: "chart-title" }), ranges, h("div", { class: "row pager" }, earlier, spanText, later), chart, agreement));
    card.scrollTop = 0;
    shell.open("facts");
  };
  const showHistory = () => {
    const data = model.history;
    if (!data.t || !model.device.id) return;
    for (const button of card.querySelectorAll("[data-stream]")) button.setAttribute("aria-pressed", String(Number(button.dataset.stream) === data.stream));
    card.querySelector(".chart-title").textContent = data.title;
    if (ranges.dataset.range !== data.range || !ranges.firstChild) {
      const focused = ranges.contains(document.activeElement);
      ranges.dataset.range = data.range;
      ranges.replaceChildren(choice(t("sensor.range"), "range", RANGES.map((id) => ({ id, title: t(`sensor.range_${id}`) })), data.range, (id) => ask({ range: id })));
      if (focused) ranges.querySelector(":checked").focus();
    }
    const day = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: "Europe/Berlin", dateStyle: "medium" });
    spanText.textContent = `${day.format(data.from * 1000)} – ${data.live ? t("sensor.now") : day.format(data.to * 1000)}`;
    later.disabled = data.live;
    lineChart(chart, data, { t, f, language });
    agreement.hidden = !data.comparable;
    const told = data.agreement;
    agreement.textContent = data.waiting ? t("sensor.comparing") : !told || told.cv_rmse === null ? "" : [
      t("sensor.agreement", { cv: f.quantity(100 * told.cv_rmse, "%", 1), bias: f.quantity(100 * told.nmbe, "%", 1) }),
      told.within === null ? "" : t(told.within ? "sensor.within" : "sensor.outside"), data.typical_weather ? t("sensor.typical_weather") : "",
    ].filter(Boolean).join(" ");
  };
  setInterval(() => {
    for (const row of rows.values()) row.time.textContent = age(row.read.time);
    for (const cell of cells.values()) cell.time.textContent = age(cell.time.dataset.time === "null" ? null : Number(cell.time.dataset.time));
    // The newest chart follows the time, a minute after a minute.
    if (model.device.id && model.history.live && Date.now() + skew - model.history.to * 1000 > 60_000) ask({});
  }, 5000);
  for (const tab of document.querySelectorAll("#side-tabs button")) {
    tab.addEventListener("click", () => {
      document.body.dataset.side = tab.dataset.side;
      for (const other of document.querySelectorAll("#side-tabs button")) other.setAttribute("aria-pressed", String(other === tab));
    });
  }
  const draw = { sensors: showList, readings: showNews, alarms: showAlarms, feed: showFeed, device: showDevice, history: showHistory, watering: showWater };
  for (const [name, show] of Object.entries(draw)) model.on(name, show);
  showList();
  showDevice();
  return { closes: () => { if (!model.device.id) return false; send("sensor", { id: null }); return true; } };
}
