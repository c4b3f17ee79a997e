// What public sensors say now, in words and colours, from the SensorThings service where an address is given.
import { fill, h } from "./dom.js";

const FRESH_MS = 24 * 3600e3;
const SYMBOLS = { blue: "≈", green: "✓", yellow: "!", red: "‼" };
const HPA = { Pa: 0.01, hPa: 1, mbar: 1, kPa: 10, cbar: 10 };
// Of a kind of thing: what is shown of it; `total`: its streams counted together (directions of a road).
const SHOWN = [
  ["soil_moisture", "matric potential", { soil: true }],
  ["weather", "air temperature", { unit: "°C", digits: 1 }],
  ["weather", "relative humidity", { unit: "%", digits: 0 }],
  ["weather", "wind speed", { unit: "m/s", digits: 1 }],
  ["parking", "free parking spaces", { unit: "", digits: 0 }],
  ["traffic", "vehicles per hour", { unit: "", digits: 0, total: true }],
];
const QUERY = new URLSearchParams({
  $top: "200",
  $select: "id,name,properties",
  $expand: "Datastreams($select=id,unitOfMeasurement,properties;$expand=ObservedProperty($select=name),"
    + "Observations($select=result,phenomenonTime;$orderby=phenomenonTime desc;$top=1))",
}).toString().replaceAll("+", "%20");

/** Jena's colour of a pF (decimal logarithm of the tension in hPa), as in sensors/soil.py. */
export const colour = (pf) => (pf < 1.8 ? "blue" : pf <= 3 ? "green" : pf <= 3.6 ? "yellow" : "red");

/** Keep `element` filled with the latest values; `app.live`: address of the service, empty: there is none; `app.liveMs`: how often. */
export function today(app, element) {
  if (!app.live) return; // the text that stands there says so
  const draw = async () => {
    if (document.hidden) return;
    try {
      // Without the manager's cookies: what stands here is what everybody may see.
      const answer = await fetch(`${app.live}/Things?${QUERY}`, { credentials: "omit", headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      fill(element, ...content(app, readings((await answer.json()).value, Date.now())));
    } catch {
      fill(element, h("p", {}, app.t("today.failed")));
    }
  };
  draw();
  setInterval(draw, app.liveMs);
}

/** Readings of what is shown, kind by kind: thing, property, value and time; a value of null: none today. */
export function readings(things, now) {
  return SHOWN.flatMap(([kind, property, look]) => things.filter((thing) => thing.properties?.kind === kind).flatMap((thing) => {
    const streams = (thing.Datastreams ?? []).filter((stream) => stream.ObservedProperty?.name === property);
    const values = streams.map((stream) => latest(stream, look)).filter((one) => one && now - one.time < FRESH_MS);
    if (!streams.length) return [];
    const base = { thing, kind, property, ...look, value: null };
    if (!values.length || (look.total && values.length < streams.length)) return [base];
    if (look.total) return [{ ...base, value: values.reduce((sum, one) => sum + one.value, 0), time: Math.min(...values.map((one) => one.time)) }];
    return [{ ...base, ...values.reduce((most, one) => (one.value > most.value ? one : most)) }]; // of soil: the driest depth
  }));
}

function latest(stream, look) {
  const seen = stream.Observations?.[0];
  const time = Date.parse(String(seen?.phenomenonTime).split("/").at(-1));
  const number = seen?.result;
  if (typeof number !== "number" || Number.isNaN(time)) return null;
  if (!look.soil) return { value: number, time };
  const tension = Math.abs(number) * (HPA[stream.unitOfMeasurement?.symbol] ?? NaN);
  const pf = Math.log10(Math.max(tension, 0.1));
  return pf <= 7 ? { value: pf, time, depth: stream.properties?.depth_cm } : null;
}

function content(app, found) {
  const { t } = app;
  if (!found.length) return [h("p", {}, t("today.empty"))];
  const kinds = [...new Set(found.map((one) => one.kind))];
  return [
    ...kinds.flatMap((kind) => [h("h3", {}, t(`kind.${kind}`)),
      h("ul", { class: "today" }, found.filter((one) => one.kind === kind).map((one) => row(app, one)))]),
    found.some((one) => one.soil) && h("p", { class: "hint" }, t("today.colours")),
  ];
}

function row({ t, f, language }, one) {
  const given = one.thing.properties;
  const name = given[`name_${language.slice(0, 2)}`] ?? one.thing.name.replace(/ \([^()]*simul[^()]*\)$/, "");
  const said = one.value === null ? [h("span", { class: "muted" }, t("today.old"))] : one.soil ? soil(t, f, one)
    : [h("b", {}, f.quantity(one.value, one.unit, one.digits)), ` ${t(`today.${one.property.replaceAll(" ", "_")}`)}`];
  const hour = new Intl.DateTimeFormat(language, { timeZone: "Europe/Berlin", day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit" });
  return h("li", {}, h("span", { class: "name" }, name), h("span", { class: "said" }, said),
    h("small", { class: "muted" }, one.value !== null && h("time", { datetime: new Date(one.time).toISOString() }, t("today.at", { time: hour.format(one.time) })),
      given.simulated && h("span", { class: "example" }, t("today.simulated"))));
}

function soil(t, f, one) {
  const kind = colour(one.value);
  return [h("b", { class: `wet ${kind}` }, h("i", { "aria-hidden": "true" }, SYMBOLS[kind]), t(`today.${kind}`)),
    ` ${t("today.pf", { pf: f.number(one.value, 1) })}`, Number.isFinite(one.depth) && ` · ${t("today.depth", { depth: f.number(one.depth) })}`];
}
