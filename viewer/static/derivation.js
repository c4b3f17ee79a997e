// Where a number comes from: every figure that is a button opens this dialog, which says its formula, inputs
// and sources. The answer is Python's; until it is here, and whenever it is computed anew, the dialog says so.
import { fill, h } from "./dom.js";
import * as ui from "./ui.js";

export function derivation(model, { t, f, send }) {
  let asked = null;
  let opener = "";
  const title = h("h2", { id: "derivation-title" });
  const place = h("p", { class: "kicker" });
  const value = h("p", { class: "figure", role: "status" });
  const state = h("div", {});
  const body = h("div", {});
  const close = h("button", { type: "button", class: "quiet close", "aria-label": t("app.close"), title: t("app.close"), onclick: () => dialog.close() }, ui.cross());
  const dialog = h("dialog", { id: "derivation", class: "derivation", "aria-labelledby": "derivation-title" },
    h("div", { class: "head" }, place, title, close), value, state, body);
  document.body.append(dialog);

  const ask = (question) => {
    asked = question;
    fill(value, h("span", { class: "pending" }, t("derivation.computing")));
    fill(body);
    send("derive", question);
  };
  const same = (shown) => asked && ["figure", "selection", "before"].every((key) => shown[key] === asked[key]);
  const show = () => {
    const shown = model.derivation;
    if (!same(shown)) return;
    if (shown.error) { fill(value); fill(body, h("p", { role: "alert" }, t("app.failed", { message: shown.error }))); return; }
    const unfolded = body.querySelector("details")?.open ?? false;
    title.textContent = shown.title;
    place.textContent = shown.place;
    fill(value, h("b", {}, f.number(shown.value, shown.digits)), " ", shown.unit);
    if (shown.compared && !state.firstChild) {
      state.append(ui.choice(t("derivation.which"), "derivation-state", [{ id: "before", title: t("kpi.before") }, { id: "after", title: t("kpi.after") }],
        asked.before ? "before" : "after", (id) => ask({ ...asked, before: id === "before" })));
    }
    const last = shown.steps.at(-1);
    fill(body,
      shown.updating && h("p", {}, h("span", { class: "pending" }, t("derivation.updating"))),
      h("p", {}, shown.words),
      shown.note && h("p", { class: "hint" }, shown.note),
      last.formula && [h("h3", {}, t("derivation.formula")), h("p", {}, h("code", {}, `${last.symbol} = ${last.formula}`))],
      h("h3", {}, t("derivation.inputs")), guesses(shown.steps, t, f), steps(shown.steps, { t, f }),
      shown.busy && h("p", { class: "hint" }, h("span", { class: "pending" }, t("derivation.computing"))),
      shown.chain && h("details", { open: unfolded }, h("summary", {}, shown.chain.title), guesses(shown.chain.steps, t, f), steps(shown.chain.steps, { t, f })));
  };
  dialog.addEventListener("close", () => {
    asked = null;
    send("derive", { figure: "" });
    if (document.activeElement === document.body) document.querySelector(opener)?.focus(); // it was drawn anew meanwhile
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-derive]");
    if (!button) return;
    const { derive, of, state: when } = button.dataset;
    opener = `[data-derive="${derive}"][data-of="${of}"][data-state="${when}"]`;
    fill(state);
    title.textContent = button.title;
    place.textContent = "";
    dialog.showModal();
    dialog.scrollTop = 0;
    ask({ figure: derive, selection: of === "selection", before: when === "before" });
  });
  model.on("derivation", show);
}

/** How many of what is given are estimates. */
function guesses(all, t, f) {
  const given = all.filter((step) => !step.formula);
  const count = given.filter((step) => step.estimate).length;
  return h("p", { class: "hint" }, count ? t("derivation.estimates", { count: f.number(count), total: f.number(given.length) }) : t("derivation.no_estimates"));
}

/** The steps as a table: what it is, its value, and where it comes from. */
function steps(all, { t, f }) {
  return h("table", { class: "steps" },
    h("thead", {}, h("tr", {}, ["input", "value", "source"].map((key) => h("th", { scope: "col" }, t(`derivation.${key}`))))),
    h("tbody", {}, all.map((step) => h("tr", { class: step.formula ? "worked" : null },
      h("th", { scope: "row" }, step.name, " ", h("code", {}, step.symbol)),
      h("td", { class: "num" }, f.quantity(step.value, step.unit, step.digits)),
      h("td", {}, step.formula && h("code", {}, `= ${step.formula}`), step.formula && h("br"),
        step.estimate && h("abbr", { class: "kind guessed", title: t("source.guessed_long") }, t("source.guessed")), step.estimate && " ", step.source)))));
}
