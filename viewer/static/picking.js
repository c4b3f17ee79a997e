// Picking buildings: search by address, filter by what is known of them, several by click after click.
import { fill, h } from "./dom.js";

/** A block of the panel. `fields`: the filter's, as viewer/picking.py lists them; `places`: [{id, title}] to search. */
export function picking({ t, f, send, fields, places }) {
  const inputs = new Map();
  const where = () => {
    const asked = {};
    for (const field of fields) {
      if (field.kind === "class") { if (inputs.get(field.id).value) asked[field.id] = inputs.get(field.id).value; continue; }
      const [min, max] = ["min", "max"].map((end) => inputs.get(`${field.id}-${end}`).value);
      if (min || max) asked[field.id] = { min, max };
    }
    return asked;
  };
  let waiting = 0;
  const look = () => { clearTimeout(waiting); waiting = setTimeout(() => send("filter", { where: where() }), 200); };
  const line = (field) => {
    const id = `filter-${field.id}`;
    if (field.kind === "class") {
      const select = h("select", { id, onchange: look }, h("option", { value: "" }, t("pick.any")),
        field.choices.map((choice) => h("option", { value: choice.id }, `${choice.title} (${f.number(choice.count)})`)));
      inputs.set(field.id, select);
      return h("div", { class: "filter-line" }, h("label", { for: id }, field.title), select);
    }
    const ends = ["min", "max"].map((end) => {
      const input = h("input", { type: "number", id: `${id}-${end}`, inputmode: "numeric", placeholder: String(field[end]), "aria-label": t(`pick.${end}`, { title: field.title }), oninput: look });
      inputs.set(`${field.id}-${end}`, input);
      return input;
    });
    return h("div", { class: "filter-line" }, h("span", { "aria-hidden": "true" }, field.title), h("div", { class: "range" }, ends[0], h("span", { "aria-hidden": "true" }, "–"), ends[1]));
  };
  const found = h("p", { class: "hint found", role: "status" });
  const apply = h("button", { type: "submit", class: "primary", disabled: true }, t("pick.apply"));
  const clear = h("button", { type: "button", class: "text-button", onclick: () => {
    for (const input of inputs.values()) input.value = "";
    send("filter", { where: {}, apply: true });
  } }, t("pick.clear"));
  const form = h("form", { class: "filter", "aria-label": t("pick.filter"), onsubmit: (event) => { event.preventDefault(); clearTimeout(waiting); send("filter", { where: where(), apply: true }); } },
    fields.map(line), found, h("div", { class: "row" }, apply, clear));
  const several = h("input", { type: "checkbox", id: "several", onchange: () => send("several", { on: several.checked }) });
  const now = h("span", { class: "now" }, t("pick.nothing"));
  const fold = h("details", { class: "pick-fold" }, h("summary", {}, t("pick.heading"), " ", now), form,
    h("label", { class: "check" }, several, t("pick.several")));
  const element = h("div", { class: "block pick" }, search({ t, send, places }), fold);
  return {
    element,
    open: () => { fold.open = true; },
    show: (shown) => {
      several.checked = shown.several;
      const set = Object.keys(shown.where).length > 0;
      apply.disabled = !set || !shown.buildings;
      fill(found, set ? t("pick.found", { buildings: f.number(shown.buildings), dwellings: f.number(shown.dwellings) }) : t("pick.hint"));
    },
    selected: (facts) => { now.textContent = facts ? facts.title : t("pick.nothing"); },
  };
}

const MOST = 8;

/** Search by street and number: a list that keys and pointer walk through; picking flies there. */
function search({ t, send, places }) {
  const list = h("ul", { id: "search-list", role: "listbox", "aria-label": t("search.label"), hidden: true });
  let hits = [];
  let at = -1;
  const fold = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replaceAll("ß", "ss").replace(/str\.?(?=\s|$)/g, "strasse");
  const known = places.map((place) => ({ ...place, words: fold(place.title) }));
  const go = (place) => { input.value = place.title; close(); send("select", { id: place.id, fly: true }); };
  const close = () => { list.hidden = true; at = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = () => [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
  const look = () => {
    const words = fold(input.value.trim()).split(/\s+/).filter(Boolean);
    const fits = (place) => words.every((word) => place.words.includes(word));
    const rank = (place) => (place.words.startsWith(words.join(" ")) ? 0 : 1);
    hits = words.length ? known.filter(fits).sort((a, b) => rank(a) - rank(b) || a.title.localeCompare(b.title, document.documentElement.lang, { numeric: true })).slice(0, MOST) : [];
    at = hits.length ? 0 : -1;
    list.replaceChildren(...hits.map((place, i) => h("li", { id: `search-${i}`, role: "option", onpointerdown: (event) => { event.preventDefault(); go(place); } }, place.title)));
    if (words.length && !hits.length) list.append(h("li", { class: "none", role: "option", "aria-disabled": "true" }, t("search.none")));
    list.hidden = !words.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (at >= 0) input.setAttribute("aria-activedescendant", "search-0");
    mark();
  };
  const input = h("input", {
    id: "search", type: "search", autocomplete: "off", role: "combobox", "aria-autocomplete": "list", "aria-controls": "search-list", "aria-expanded": "false", "aria-label": t("search.label"), placeholder: t("search.label"),
    oninput: look, onblur: close, onfocus: () => { if (input.value && !list.children.length) look(); },
    onkeydown: (event) => {
      if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); close(); }
      if (event.key === "Enter" && at >= 0) { event.preventDefault(); go(hits[at]); }
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || !hits.length) return;
      event.preventDefault();
      at = (at + step + hits.length) % hits.length;
      input.setAttribute("aria-activedescendant", `search-${at}`);
      mark();
    },
  });
  return h("div", { class: "search" }, input, list);
}
