// A and B: a state that is held while people go on, each figure of both, and how sure it is that B is better.
import { fill, h } from "./dom.js";
import { surely } from "./whatif.js";

/** A block behind the results of the panel. `act(type, values)` tells the server; `title()`: of the open scenario. */
export function holding(panel, { t, f, act, title }) {
  const element = h("div", { class: "block holding" });
  panel.querySelector(".result").after(element);
  const button = (key, type) => h("button", { type: "button", class: "text-button", "data-do": type, onclick: () => act(type, { title: title() }) }, t(`held.${key}`));
  const line = (label, unit, row) => {
    const write = (value) => f.number(value, row.digits);
    const apart = row.difference;
    const same = apart !== null && Math.abs(apart) < 0.5 * 10 ** -row.digits;
    const signed = apart === null ? "–" : same ? write(0) : `${apart > 0 ? "+" : ""}${write(apart)}`;
    return [h("tr", { "data-kpi-ab": row.name },
      h("th", { scope: "row" }, label, " ", h("small", { class: "muted" }, unit), row.updating && h("span", { class: "pending" }, t("kpi.updating"))),
      h("td", {}, write(row.a)), h("td", { class: "now" }, write(row.b)), h("td", {}, signed)),
    row.band && h("tr", { class: "sure-of" }, h("td", { colSpan: 4 }, h("span", { class: "sure" }, surely(row.band, t, f, "held")), " ", t("held.band", { low: write(row.band.low), high: write(row.band.high) })))];
  };
  const money = ([a, b]) => {
    if (!a && !b) return [];
    const none = { investment_eur: 0, subsidy_eur: 0, extra_cost_eur: 0, co2_saved_kg: 0, abatement_cost_eur_t: null };
    const [one, other] = [a ?? none, b ?? none];
    const rows = [["investment", "investment_eur", 1e-6, t("economy.million"), 1], ["subsidy", "subsidy_eur", 1e-6, t("economy.million"), 1], ["extra", "extra_cost_eur", 1e-6, t("economy.million"), 1], ["saved", "co2_saved_kg", 1e-3, "t", 0], ["abatement", "abatement_cost_eur_t", 1, "€/t", 0]];
    return rows.map(([name, key, factor, unit, digits]) => {
      const [x, y] = [one[key], other[key]].map((value) => (value === null ? null : value * factor));
      return line(t(`economy.${name}`), unit, { name, digits, a: x, b: y, difference: x === null || y === null ? null : y - x });
    });
  };
  const show = (held) => {
    if (!held) {
      if (element.dataset.key !== "none") fill(element, h("div", { class: "row" }, h("h2", {}, t("held.heading")), button("hold", "hold")), h("p", { class: "foot" }, t("held.hint")));
      element.dataset.key = "none";
      return;
    }
    const key = JSON.stringify(held);
    if (element.dataset.key === key) return;
    element.dataset.key = key;
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.do : null;
    const text = (name) => t(`kpi.${name}`);
    const ready = held.economy[0] || held.economy[1];
    fill(element,
      h("div", { class: "row" }, h("h2", {}, t("held.heading")), held.waiting && h("span", { class: "pending", role: "status" }, t("kpi.updating"))),
      h("dl", { class: "sides" }, ["A", "B"].map((side, i) => h("div", {}, h("dt", {}, side), h("dd", {}, held.names[i])))),
      h("div", { class: "acts" }, button("again", "hold"), button("swap", "swap"), button("release", "release")),
      held.same && h("p", { class: "hint" }, t("held.same")),
      h("table", { class: "compare ab" }, h("caption", { class: "visually-hidden" }, t("held.caption")),
        h("thead", {}, h("tr", {}, h("td", {}), h("th", { scope: "col" }, "A"), h("th", { scope: "col" }, "B"), h("th", { scope: "col" }, t("held.difference_head")))),
        h("tbody", {}, held.kpis.map((row) => line(text(row.name), t(`unit.${row.name}`), row)),
          held.network.map((row) => line(t(`network.${row.name}`), t(`unit.${row.name}`), row)),
          ready && money(held.economy))),
      h("p", { class: "foot" }, t("held.note")));
    if (focused) (element.querySelector(`[data-do="${focused}"]`) ?? element.querySelector("button"))?.focus();
  };
  return { show };
}
