// The views of the residents' panel: the list of proposals, and one proposal with before and after.
import { byId, fill, h } from "./dom.js";
import { choice } from "./ui.js";
import { home } from "./home.js";
import { kiosk, story } from "./story.js";

/**
 * Follow the address's fragment from view to view.
 * `onView(entry)`: the proposal that is open, or null; `app`: what public.js shares.
 */
export function proposals(app, onView) {
  const views = [...document.querySelectorAll(".view")];
  const entries = new Map(app.data.proposals.map((entry) => [`proposal-${entry.id}`, entry]));
  const walks = new Map(app.data.stories.map((entry) => [`story-${entry.id}`, story(app, views.find((view) => view.dataset.view === `story-${entry.id}`), entry)]));
  const open = (moved) => {
    const wanted = decodeURIComponent(location.hash.slice(1));
    const view = views.find((one) => one.dataset.view === wanted) ?? views[0];
    for (const one of views) one.classList.toggle("on", one === view);
    const told = app.data.stories.find((one) => `story-${one.id}` === view.dataset.view);
    const entry = entries.get(told ? `proposal-${told.proposal}` : view.dataset.view) ?? null;
    for (const link of document.querySelectorAll("[data-language]")) link.hash = view === views[0] ? "" : location.hash;
    app.spots.clear();
    onView(entry, told ? walks.get(view.dataset.view) : null);
    if (entry && !told && !view.dataset.filled) mount(app, view, entry);
    if (!moved) return;
    app.shell.open("panel");
    byId("panel").scrollTop = 0;
    view.querySelector("h2")?.focus({ preventScroll: true });
  };
  addEventListener("hashchange", () => open(true));
  if (document.body.classList.contains("kiosk")) kiosk(app, walks);
  open(false);
}

function mount(app, view, entry) {
  view.dataset.filled = "yes";
  if (entry.frame) {
    compare(app, view.querySelector("[data-compare]"), entry);
    home(app, view.querySelector("[data-home]"), entry);
  }
  comments(app, view.querySelector("[data-comments]"), entry);
}

function compare(app, element, entry) {
  const { t, f, data } = app;
  const sum = (list) => list.reduce((total, value) => total + (value ?? 0), 0);
  const [before, after] = ["today", entry.frame].map((id) => sum(data.groups.heating_need_mwh[id]));
  const dwellings = sum([...new Set(entry.rows.map((row) => data.buildings.group[row]))].map((g) => data.groups.dwellings[g]));
  fill(element,
    choice(t("proposal.compare"), `compare-${entry.id}`, ["today", "after", "saving"].map((id) => ({ id, title: t(`proposal.compare_${id}`) })), "saving",
      (id) => app.show(id === "saving" ? "saving" : "heating_need_per_area", id === "today" ? "today" : entry.frame)),
    h("p", {}, h("button", { type: "button", class: "small", onclick: () => app.showPlace(entry) }, t("proposal.show"))),
    h("p", {}, t("proposal.compare_figures", {
      before: f.quantity(before / 1000, "GWh", 1), after: f.quantity(after / 1000, "GWh", 1), change: f.change(after / before - 1),
    })),
    h("p", {}, t(entry.rows.length === 1 ? "proposal.compare_where_one" : "proposal.compare_where", { buildings: f.number(entry.rows.length), dwellings: f.number(dwellings) })),
    entry.withheld > 0 && h("p", { class: "hint" }, t("proposal.withheld", { count: f.number(entry.withheld) })),
    h("p", { class: "hint" }, t("proposal.compare_source")));
}

/** Comments, where an address for calls is given and the site brings the module; else the text says whom to write to. */
async function comments(app, element, entry) {
  if (!app.api || document.body.classList.contains("kiosk")) return;
  try {
    const { mount: mountComments } = await import("./comments.js");
    const { onPick, onShow, labelOf } = app.spots;
    const mounted = mountComments(element, { api: app.api, t: app.t, f: app.f, proposal: entry.id, onPick, onShow, labelOf });
    app.spots.ready.then(mounted.relabel);
  } catch {
    // The text that stands there says whom to write to.
  }
}
