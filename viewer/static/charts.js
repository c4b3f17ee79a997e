// The charts of what is selected: load by hours, duration curve, months, energy flows, costs, before and after.
import { fill, h } from "./dom.js";
import * as figures from "./figures.js";
import * as ui from "./ui.js";

const ZONE = "Europe/Berlin";
const HOUR_S = 3600;

/** `show(data)` draws what viewer/selection_charts.py computed; `day` and `span` of the load curve stay. */
export function charts(element, { t, f, language, link }) {
  const locale = language === "en" ? "en-GB" : language;
  const months = t("months.list").split(" ");
  const when = new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const dayName = new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: "short", day: "numeric", month: "numeric" });
  const hourName = new Intl.DateTimeFormat(locale, { timeZone: ZONE, hour: "2-digit", minute: "2-digit" });
  const view = { span: link.get("load") === "day" ? "day" : "week", day: Number(link.get("day")) || 15 };
  const head = h("h2", {}, t("charts.title"));
  const status = h("p", { class: "hint count", role: "status" });
  const body = h("div", { class: "chart-grid" });
  element.replaceChildren(h("div", { class: "top" }, head, status), body);
  const both = (name, changed) => (changed ? `${t(`charts.${name}`)}, ${t("kpi.after")}` : t(`charts.${name}`));
  const round = (value) => Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 10 ? 1 : 2;

  /** Day or week by the hour. */
  const load = (data) => {
    const box = h("div", { class: "load" });
    const draw = () => {
      const hours = data.hours;
      const count = view.span === "week" ? 168 : 24;
      const first = Math.max(0, Math.min(8760 - count, (view.day - 1) * 24 - 1)); // Berlin's winter midnight is 23 h UTC
      const part = (values) => Array.from(values.subarray(first, first + count));
      const time = (i) => (data.start + (first + i) * HOUR_S) * 1000;
      const series = [
        data.changed && { kind: "was", name: `${t("charts.heat")}, ${t("kpi.before")}`, values: part(hours.heating_delivered_kwh[0]) },
        { kind: "heat", name: both("heat", data.changed), values: part(hours.heating_delivered_kwh[1]) },
        { kind: "power", name: t("charts.power"), values: part(hours.electricity_use_kwh[1]) },
        { kind: "pv", name: t("charts.pv"), values: part(hours.pv_generation_kwh[1]) },
      ].filter(Boolean);
      const xticks = view.span === "week"
        ? Array.from({ length: 7 }, (_, i) => [i * 24 + 12, dayName.format(time(i * 24 + 12))])
        : [0, 6, 12, 18].map((i) => [i, hourName.format(time(i))]);
      const day = h("input", { type: "range", min: "1", max: String(view.span === "week" ? 359 : 365), value: String(view.day), id: "load-day", "aria-label": t("charts.day"), "aria-valuetext": dayName.format(time(2)) });
      ui.fillTrack(day);
      day.addEventListener("input", () => { view.day = Number(day.value); link.set("day", String(view.day)); draw(); box.querySelector("#load-day").focus(); });
      const controls = h("div", { class: "controls-line" },
        ui.choice(t("charts.span"), "load-span", [{ id: "day", title: t("charts.one_day") }, { id: "week", title: t("charts.one_week") }], view.span, (id) => { view.span = id; link.set("load", id === "week" ? "" : id); draw(); }),
        h("label", { class: "day-pick" }, h("span", {}, `${dayName.format(time(2))}${view.span === "week" ? ` – ${dayName.format(time(160))}` : ""}`), day));
      fill(box, figures.card({
        t, title: t("charts.load"), desc: t("charts.load_desc"), controls,
        picture: figures.lines({ f, unit: "kW", series, xticks, name: (i) => when.format(time(i)), label: t("charts.label", { title: t("charts.load"), unit: "kW" }) }),
        keys: series.map((one) => [one.kind, one.name]),
        table: { caption: `${t("charts.load")}, kW`, head: [t("charts.hour"), ...series.map((one) => one.name)], rows: series[0].values.map((_, i) => [when.format(time(i)), ...series.map((one) => f.number(one.values[i], 1))]) },
      }));
    };
    draw();
    return box;
  };

  const duration = (data) => {
    const sorted = (values) => Array.from(values).sort((a, b) => b - a);
    const [before, after] = data.hours.heating_delivered_kwh.map(sorted);
    const series = [data.changed && { kind: "was", name: t("kpi.before"), values: before }, { kind: "heat", name: data.changed ? t("kpi.after") : t("charts.heat"), values: after }].filter(Boolean);
    const marks = [0, 1000, 2000, 4000, 6000, 8000];
    const desc = t("charts.duration_desc", { peak: f.quantity(after[0], "kW", round(after[0])) });
    return figures.card({
      t, title: t("charts.duration"), desc,
      picture: figures.lines({ f, unit: "kW", series, xticks: marks.map((i) => [i, f.number(i)]), name: (i) => t("charts.hours", { count: f.number(i + 1) }), label: t("charts.label", { title: t("charts.duration"), unit: "kW" }) }),
      keys: series.map((one) => [one.kind, one.name]),
      table: { caption: `${t("charts.duration")}, kW`, head: [t("charts.hours_head"), ...series.map((one) => one.name)], rows: [1, 10, 100, 500, 1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000, 8760].map((i) => [f.number(i), ...series.map((one) => f.number(one.values[Math.min(i, one.values.length) - 1], 1))]) },
    });
  };

  const monthly = (data) => {
    const [factor, unit] = Math.max(...data.months.heating_need_kwh[0], ...data.months.grid_import_kwh[0]) >= 1e5 ? [1e-3, "MWh"] : [1, "kWh"];
    const of = (name, kind, quantity) => ({ kind, name: t(`charts.${name}`), values: data.months[quantity][1].map((v) => v * factor), before: data.changed ? data.months[quantity][0].map((v) => v * factor) : null });
    const series = [of("need_heating", "heat", "heating_need_kwh"), of("pv", "pv", "pv_generation_kwh"), of("import", "power", "grid_import_kwh"), of("export", "sold", "grid_export_kwh")];
    return figures.card({
      t, title: t("charts.months"), desc: data.changed ? t("charts.outline") : "",
      picture: figures.bars({ f, unit, series, names: months, short: months.map((m) => m.slice(0, 3)), label: t("charts.label", { title: t("charts.months"), unit }) }),
      keys: series.map((one) => [one.kind, one.name]),
      table: { caption: `${t("charts.months")}, ${unit}`, head: [t("charts.month"), ...series.flatMap((one) => data.changed ? [`${one.name}, ${t("kpi.before")}`, `${one.name}, ${t("kpi.after")}`] : [one.name])],
        rows: months.map((month, i) => [month, ...series.flatMap((one) => [...(data.changed ? [f.number(one.before[i], 1)] : []), f.number(one.values[i], 1)])]) },
    });
  };

  const flows = (data) => {
    const links = data.sankey.links.map(([a, b, v]) => [a, b, v / 1000]);
    const titles = new Map(data.sankey.nodes);
    return figures.card({
      t, title: t("charts.sankey"), desc: t("charts.sankey_desc"),
      picture: figures.sankey({ f, unit: "MWh/a", nodes: data.sankey.nodes, links, label: t("charts.label", { title: t("charts.sankey"), unit: "MWh/a" }) }),
      table: { caption: `${t("charts.sankey")}, MWh/a`, head: [t("charts.from"), t("charts.to"), "MWh/a"], rows: links.map(([a, b, v]) => [titles.get(a), titles.get(b), f.number(v, 1)]) },
    });
  };

  const costs = (data) => {
    if (!data.waterfall) return null;
    const { parts, after, before, years } = data.waterfall;
    const largest = Math.max(...after.total.map(Math.abs), ...before.total.map(Math.abs));
    const [factor, unit] = largest >= 1e6 ? [1e-6, t("economy.million")] : [1e-3, t("economy.thousand")];
    const names = parts.map((part) => t(`charts.cost_${part}`));
    const kept = parts.map((_, i) => i).filter((i) => Math.abs(after.total[i]) > 1e-6 * largest);
    const sum = (row) => row.reduce((a, b) => a + b, 0);
    const digits = round(largest * factor);
    return figures.card({
      t, title: t("charts.waterfall"), desc: t("charts.waterfall_desc", { years: f.number(years.length), before: f.quantity(sum(before.total) * factor, unit, digits), after: f.quantity(sum(after.total) * factor, unit, digits) }),
      picture: figures.waterfall({ f, unit, digits, steps: kept.map((i) => ({ name: names[i], value: after.total[i] * factor })), total: t("charts.total"), label: t("charts.label", { title: t("charts.waterfall"), unit }) }),
      table: { caption: `${t("charts.by_year")}, ${unit}`, head: [t("charts.year"), ...names, t("charts.total"), `${t("charts.total")}, ${t("kpi.before")}`],
        rows: years.map((year, i) => [String(year), ...after.years[i].map((v) => f.number(v * factor, 2)), f.number(sum(after.years[i]) * factor, 2), f.number(sum(before.years[i]) * factor, 2)]) },
    });
  };

  const compared = (data) => {
    if (!data.changed) return null;
    const rows = data.figures.filter((row) => row.before);
    const series = [{ kind: "heat", name: t("kpi.after"), values: rows.map((row) => (100 * row.after) / row.before), before: rows.map(() => 100) }];
    return figures.card({
      t, title: t("charts.compared"), desc: t("charts.compared_desc"),
      picture: figures.bars({ f, unit: "%", series, names: rows.map((row) => row.label), label: t("charts.label", { title: t("charts.compared"), unit: "%" }) }),
      table: { caption: t("charts.compared"), head: [t("charts.figure"), t("kpi.before"), t("kpi.after")], rows: rows.map((row) => [`${row.label}, ${row.unit}`, f.number(row.before, row.digits), f.number(row.after, row.digits)]) },
    });
  };

  const show = (data) => {
    if (!data.title) return;
    head.textContent = `${t("charts.title")}: ${data.title}`;
    element.setAttribute("aria-busy", String(Boolean(data.busy)));
    status.textContent = data.busy ? t("charts.busy", { share: f.quantity(100 * (data.share ?? 0), "%") }) : "";
    status.className = data.busy ? "hint count pending" : "hint count";
    if (data.busy) {
      if (!body.children.length) fill(body, [1, 2, 3, 4].map(() => h("div", { class: "chart-card skeleton", "aria-hidden": "true" })));
      return;
    }
    const unpacked = { ...data, hours: Object.fromEntries(Object.entries(data.hours).map(([name, sides]) => [name, sides.map(unpack)])) };
    fill(body, load(unpacked), monthly(unpacked), duration(unpacked), flows(unpacked), compared(unpacked), costs(unpacked));
  };
  return { show };
}

/** float32 behind base64. */
function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  return new Float32Array(bytes.buffer);
}
