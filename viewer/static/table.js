// A table that one sorts, filters by column, picks rows of and takes home; the public page's and the manager's.
import { fill, h } from "./dom.js";
import { choice } from "./ui.js";

const PAGE = 100;
const known = (value) => value !== null && value !== undefined && value !== "";

/** Rows whose cells hold what is asked for. `filters`: by column, a text, or {min, max}; `query`: in any text. */
export function filtered({ columns, values }, filters, query) {
  const words = query.trim().toLowerCase();
  const texts = columns.filter((column) => !column.number);
  const asked = columns.filter((column) => filters[column.id]);
  const fits = (column, value) => {
    const filter = filters[column.id];
    if (!column.number) return String(value ?? "").toLowerCase().includes(filter.toLowerCase());
    return known(value) && (!known(filter.min) || value >= Number(filter.min)) && (!known(filter.max) || value <= Number(filter.max));
  };
  return [...(values[columns[0]?.id] ?? []).keys()].filter((i) =>
    asked.every((column) => fits(column, values[column.id][i])) &&
    (!words || texts.some((column) => String(values[column.id][i] ?? "").toLowerCase().includes(words))));
}

/** Rows in the order of a column's values; what is not known comes last either way. */
export function sorted(rows, column, up, language) {
  const collator = new Intl.Collator(language, { numeric: true });
  return [...rows].sort((a, b) => {
    const [x, y] = [column[a], column[b]];
    if (!known(x)) return known(y) ? 1 : a - b;
    if (!known(y)) return -1;
    return (up ? 1 : -1) * (typeof x === "number" ? x - y : collator.compare(x, y)) || a - b;
  });
}

/**
 * A table in `element`. `onPick(i)`: the row's name is pressed; `onSelect(rows, how)`: rows are ticked;
 * `onFile(format, rows, columns)`: what is shown is asked for as a file; `kinds`: [{id, title}] to choose from.
 * `state`: {query, sort, filters} as `onState` gave them.
 */
export function table(element, { t, f, caption = () => "", download, onPick, onSelect, onFile, kinds = [], onKind, state: kept = {}, onState }) {
  let data = null;
  let columns = [];
  const state = { query: "", sort: "", filters: {}, ...kept };
  let shown = PAGE;
  let rows = [];
  let marked = new Set();
  let open = Object.keys(state.filters).length > 0;
  const changed = () => { shown = PAGE; draw(); onState?.({ ...state }); };
  const count = h("p", { class: "hint count", role: "status" });
  const body = h("tbody", {});
  const more = h("button", { type: "button", class: "text-button", onclick: () => { shown += 5 * PAGE; draw(); } });
  const search = h("input", { id: "table-filter", type: "search", value: state.query, oninput: () => { state.query = search.value; changed(); } });
  const headRow = h("tr", {});
  const title = h("caption", {});
  const toggle = h("button", { type: "button", class: "small", "aria-expanded": "false", onclick: () => { open = !open; showFilters(); } }, t("table.filters"));
  const clear = h("button", { type: "button", class: "text-button", hidden: true, onclick: () => { state.filters = {}; state.query = search.value = ""; makeHeads(); changed(); toggle.focus(); } }, t("table.clear"));
  const format = onFile && h("select", { id: "table-format" }, ["xlsx", "csv_german", "csv"].map((id) => h("option", { value: id }, t(`table.format_${id}`))));
  const kindBox = h("div", { class: "kinds" });
  const waiting = h("p", { role: "status" }, h("span", { class: "pending" }, t("table.loading")));
  const top = h("div", { class: "top" }, h("h2", {}, t("table.title")), kindBox, kinds.length > 0 && count,
    h("div", { class: "field" }, h("label", { for: "table-filter" }, t("table.filter")), search),
    h("div", { class: "row" }, toggle, clear),
    download && h("a", { href: download, download: "" }, t("table.download")),
    format && h("div", { class: "row file-of" }, h("label", { class: "visually-hidden", for: "table-format" }, t("table.format")), format,
      h("button", { type: "button", class: "small", onclick: () => onFile(format.value, rows, columns.map((column) => column.id)) }, t("table.save"))),
    kinds.length === 0 && count);
  element.replaceChildren(top, h("table", { class: "grid-table" }, title, h("thead", {}, headRow), body), waiting, more);
  new ResizeObserver(() => element.style.setProperty("--table-top", `${top.offsetHeight}px`)).observe(top); // where the heads stick
  const showFilters = () => {
    toggle.setAttribute("aria-expanded", String(open));
    element.classList.toggle("with-filters", open);
    for (const box of headRow.querySelectorAll(".column-filter")) box.hidden = !open;
  };
  const narrow = (column, value) => {
    const empty = column.number ? !known(value.min) && !known(value.max) : !value.trim();
    if (empty) delete state.filters[column.id];
    else state.filters[column.id] = value;
    changed();
  };
  const filterOf = (column) => {
    const now = state.filters[column.id];
    if (!column.number) {
      const input = h("input", { type: "search", value: now ?? "", "aria-label": t("table.filter_text", { title: column.title }), placeholder: t("table.contains"), oninput: () => narrow(column, input.value) });
      return h("div", { class: "column-filter" }, input);
    }
    const ends = ["min", "max"].map((end) => h("input", { type: "number", step: "any", value: String(now?.[end] ?? ""), placeholder: t(`table.${end}`), "aria-label": t(`table.filter_${end}`, { title: named(column) }), oninput: () => narrow(column, { min: ends[0].value, max: ends[1].value }) }));
    return h("div", { class: "column-filter" }, ends);
  };
  const named = (column) => (column.unit ? `${column.title}, ${column.unit}` : column.title);
  const classOf = (column) => [column.number && "num", column.wide && "wide"].filter(Boolean).join(" ");
  const order = () => { const down = state.sort.startsWith("-"); const id = down ? state.sort.slice(1) : state.sort; return columns.some((c) => c.id === id) ? { id, up: !down } : { id: columns[0].id, up: true }; };
  const press = (column) => {
    const now = order();
    const up = now.id === column.id ? !now.up : !column.number;
    state.sort = `${up ? "" : "-"}${column.id}`;
    changed();
  };
  const every = onSelect && h("input", { type: "checkbox", "aria-label": t("table.select_all"), title: t("table.select_all"), onchange: () => onSelect([...new Set(rows.flatMap((i) => data.members[i]))], every.checked ? "set" : "remove") });
  const makeHeads = () => {
    fill(headRow, every && h("td", { class: "tick" }, every), columns.map((column) => h("th", { scope: "col", class: classOf(column), "data-column": column.id },
      h("button", { type: "button", onclick: () => press(column) }, named(column)), filterOf(column))));
    showFilters();
  };
  const text = (column, value) => (!column.number ? value ?? "" : column.plain ? String(value ?? "–") : f.number(value, column.digits ?? 0));
  const line = (i) => h("tr", { "data-row": String(i) },
    every && h("td", { class: "tick" }, data.members[i].length > 0 && h("input", { type: "checkbox", "data-at": `${i} tick`, "aria-label": t("table.select", { name: data.values[columns[0].id][i] }), onchange: (event) => onSelect(data.members[i], event.target.checked ? "add" : "remove") })),
    columns.map((column, position) => {
      const value = text(column, data.values[column.id][i]);
      return position === 0
        ? h("th", { scope: "row", class: classOf(column) }, h("button", { type: "button", class: "text-button", "data-at": `${i} name`, title: t("table.show"), onclick: () => onPick(i) }, value))
        : h("td", { class: classOf(column) }, value);
    }));
  const draw = () => {
    if (!data) return;
    const { id, up } = order();
    rows = sorted(filtered({ columns, values: data.values }, state.filters, state.query), data.values[id], up, document.documentElement.lang);
    for (const head of headRow.querySelectorAll("th")) {
      if (head.dataset.column === id) head.setAttribute("aria-sort", up ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    }
    const at = body.contains(document.activeElement) ? document.activeElement.dataset.at : null;
    body.replaceChildren(...rows.slice(0, shown).map(line));
    if (!rows.length) body.append(h("tr", {}, h("td", { colSpan: columns.length + (every ? 1 : 0) }, t(data.keys?.length === 0 ? `table.empty_${data.kind}` : "table.none"))));
    if (at) body.querySelector(`[data-at="${at}"]`)?.focus();
    count.textContent = t("table.count", { shown: f.number(Math.min(shown, rows.length)), total: f.number(rows.length) });
    more.hidden = rows.length <= shown;
    more.textContent = t("table.more", { count: f.number(rows.length - shown) });
    clear.hidden = !Object.keys(state.filters).length && !state.query;
    mark();
  };
  const mark = () => {
    if (!data?.members) return;
    const share = (i) => data.members[i].filter((row) => marked.has(row)).length / (data.members[i].length || 1);
    for (const one of body.querySelectorAll("tr[data-row]")) {
      const part = share(Number(one.dataset.row));
      one.classList.toggle("selected", part > 0);
      const box = one.querySelector("input");
      if (box) { box.checked = part === 1; box.indeterminate = part > 0 && part < 1; }
    }
    if (!every) return;
    const parts = rows.filter((i) => data.members[i].length).map(share);
    every.disabled = !parts.length;
    every.checked = parts.length > 0 && parts.every((part) => part === 1);
    every.indeterminate = !every.checked && parts.some((part) => part > 0);
  };
  const showKinds = (id) => { if (kinds.length) kindBox.replaceChildren(choice(t("table.kind"), "table-kind", kinds, id, (kind) => { state.sort = ""; state.filters = {}; state.query = search.value = ""; onState?.({ ...state }); onKind(kind); })); };
  return {
    /** Show `fresh`: {columns, values, keys, members, kind}; columns in which nothing is known are left out. */
    show: (fresh) => {
      waiting.remove();
      const other = data?.kind !== fresh.kind;
      data = fresh;
      const filled = fresh.columns.filter((column, i) => i === 0 || fresh.values[column.id].some(known));
      const same = filled.map((c) => c.id).join() === columns.map((c) => c.id).join();
      columns = filled;
      title.textContent = caption(fresh.kind);
      if (other && !kindBox.contains(document.activeElement)) showKinds(fresh.kind);
      if (!same || other) makeHeads();
      draw();
    },
    /** Mark the rows of which these buildings are selected, by their rows in the scene. */
    mark: (buildings) => { marked = new Set(buildings); mark(); },
  };
}
