// What a proposal means for a home: heating cost, rent and sun, for a flat of one's own size.
import { fill, h } from "./dom.js";
import { fillTrack } from "./ui.js";

const PARTS = ["heat_before", "heat_after", "heat_change", "levy"];
const wish = { area: 60 }; // kept while the page is open, and nowhere else

export function home(app, element, entry) {
  const { t, f } = app;
  const out = h("div", { class: "result", role: "status" });
  const field = `home-${entry.id}`;
  const number = h("input", { type: "number", id: `${field}-number`, min: "15", max: "200", step: "1", value: String(wish.area), inputMode: "numeric", "aria-label": `${t("home.area")}, ${t("home.area_unit")}` });
  const slider = h("input", { type: "range", id: `${field}-area`, min: "15", max: "200", step: "1", value: String(wish.area) });
  const search = h("input", { type: "search", id: `${field}-search`, list: "search-list", autocomplete: "off" });
  const draw = () => {
    fillTrack(slider);
    slider.setAttribute("aria-valuetext", `${wish.area} ${t("home.area_unit")}`);
    fill(out, ...content(app, entry));
  };
  const size = (value, from) => {
    if (!Number.isFinite(value) || value < 15 || value > 200) return;
    wish.area = Math.round(value);
    if (from !== slider) slider.value = String(wish.area);
    if (from !== number) number.value = String(wish.area);
    draw();
  };
  slider.addEventListener("input", () => size(Number(slider.value), slider));
  number.addEventListener("input", () => size(Number(number.value), number));
  number.addEventListener("change", () => { number.value = String(wish.area); });
  search.addEventListener("input", () => app.search(search));
  search.addEventListener("keydown", (event) => { if (event.key === "Enter") app.search(search, true); });
  fill(element, h("h2", {}, t("home.title")), h("p", {}, t("home.intro")),
    h("div", { class: "field" }, h("label", { for: search.id }, t("home.search")), search),
    h("div", { class: "field" }, h("div", { class: "row" }, h("label", { for: slider.id }, t("home.area")),
      h("span", { class: "size" }, number, ` ${t("home.area_unit")}`)), slider),
    out);
  app.onSelect(draw);
  draw();
}

function content(app, entry) {
  const { t, data, state } = app;
  if (state.row === null) return [h("p", { class: "hint" }, t("home.pick"))];
  const group = data.buildings.group[state.row];
  const title = h("h3", {}, `${t("home.block")}: ${app.label(state.row)}`);
  const figures = group === null ? null : entry.home[group];
  const mine = entry.rows.includes(state.row);
  const money = figures ? cost(app, entry, figures, group) : [h("p", {}, t(mine ? "home.hidden" : "home.unchanged"))];
  return [title, ...money, ...sun(app, entry)];
}

function cost(app, entry, figures, group) {
  const { t, f, data } = app;
  const of = Object.fromEntries(PARTS.map((name, i) => [name, figures.slice(3 * i, 3 * i + 3)]));
  const rent = [data.rent_eur_m2, data.rent_eur_m2, data.rent_eur_m2];
  const plus = (a, b) => a.map((value, i) => value + b[i]);
  // Ends of the ranges are added as if both came together: wider than both are.
  const rows = [
    ["heat", of.heat_before, of.heat_after, of.heat_change],
    ["rent", [rent[0]], plus(rent, of.levy), of.levy],
    ["total", plus(rent, of.heat_before), plus(plus(rent, of.levy), of.heat_after), plus(of.levy, of.heat_change)],
  ];
  const table = (factor, caption, digits) => h("table", { class: "compare money" }, h("caption", {}, caption),
    h("thead", {}, h("tr", {}, h("td", {}), ["today", "after", "change"].map((name) => h("th", { scope: "col" }, t(`home.${name}`))))),
    h("tbody", {}, rows.map(([name, ...cells]) => h("tr", { class: name }, h("th", { scope: "row" }, t(`home.${name}`)),
      cells.map((cell, i) => h("td", {}, euro(f, cell[0] * factor, digits, i === 2),
        cell.length > 1 && Number.isFinite(cell[1]) && h("small", {}, t("home.range", { low: f.number(cell[1] * factor, digits), high: euro(f, cell[2] * factor, digits) }))))))));
  return [
    table(wish.area, t("home.of_flat", { area: f.number(wish.area) }), 0),
    h("details", {}, h("summary", {}, t("home.of_m2")), table(1, t("home.of_m2"), 2)),
    h("p", { class: "hint" }, t(data.groups.buildings[group] === 1 ? "home.group_note_one" : "home.group_note", { dwellings: f.number(data.groups.dwellings[group]), buildings: f.number(data.groups.buildings[group]) })),
    h("ul", { class: "plain hint" }, h("li", {}, t("home.heat_source")), h("li", {}, `${app.rentSource} ${t("home.levy_most")}`),
      h("li", {}, t("home.band", { draws: f.number(data.draws) }))),
  ];
}

function sun(app, entry) {
  const { t, f, state } = app;
  if (!entry.sun) return [];
  const hours = entry.sun[state.row];
  return [h("h3", {}, t("home.sun")), hours
    ? h("p", {}, t("home.sun_text", { before: f.quantity(hours[0], "h"), after: f.quantity(hours[1], "h"), change: f.change(hours[1] / hours[0] - 1) }))
    : h("p", {}, t("home.sun_none")),
  hours && h("p", { class: "hint" }, t("home.sun_source"))];
}

const euro = (f, value, digits, signed) => `${signed && value > 0.5 * 10 ** -digits ? "+" : ""}${f.quantity(value, "€", digits).replace(/^−(0(?:[.,]0+)?\u00a0)/, "$1")}`;
