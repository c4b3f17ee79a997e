// A manager's own scenarios: name, save, duplicate, share, and the list of all of them.
import { fill, h } from "./dom.js";
import { cross, overtaken, toast } from "./ui.js";

/** A block of the panel, and its dialog. */
export function shelf({ t, f, send, language }) {
  const clock = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { hour: "2-digit", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeStyle: "short" });
  let now = { scenarios: [], name: "" };
  const title = h("input", { type: "text", id: "scenario-title", maxlength: "80", autocomplete: "off", placeholder: t("shelf.untitled"), "aria-label": t("shelf.name"), oninput: () => mark() });
  const save = h("button", { type: "submit", class: "small" }, t("shelf.save"));
  const status = h("p", { class: "hint status", role: "status" });
  const mark = () => {
    save.textContent = t(now.name ? "shelf.rename" : "shelf.save");
    save.disabled = !title.value.trim() || (Boolean(now.name) && title.value.trim() === now.title);
  };
  const form = h("form", { class: "shelf-name", onsubmit: (event) => { event.preventDefault(); if (!save.disabled) send("save", { title: title.value }); } },
    h("label", { class: "visually-hidden", for: "scenario-title" }, t("shelf.name")), title, save);
  const share = async () => {
    try {
      await navigator.clipboard.writeText(location.href);
      toast(t("shelf.shared"), t("app.close"), () => {});
    } catch { toast(t("shelf.share_by_hand", { link: location.href }), t("app.close"), () => {}); } // no clipboard without a secure page
  };
  const go = h("button", { type: "button", class: "text-button", hidden: true, onclick: () => send("continue") }, t("shelf.continue"));
  const file = h("input", { type: "file", accept: ".yaml,.yml", class: "visually-hidden", id: "scenario-file", onchange: async () => {
    const chosen = file.files[0];
    dialog.close();
    if (!chosen) return;
    if (overtaken("scenario")) send("error_seen");
    status.textContent = t("shelf.uploading");
    try {
      const answer = await fetch(`/manage/scenarios?file=${encodeURIComponent(chosen.name)}`, { method: "POST", body: chosen, headers: { "Content-Type": "application/yaml", "Accept-Language": language } });
      const said = await answer.json();
      if (answer.ok) send("open", { name: said.name });
      else toast(said.error, t("app.close"), () => {}, { about: "scenario" });
    } catch (error) { toast(t("app.failed", { message: error.message }), t("app.close"), () => {}, { about: "scenario" }); }
    status.textContent = "";
    file.value = "";
  } });
  const list = h("div", {});
  const dialog = h("dialog", { id: "scenarios", class: "scenarios", "aria-labelledby": "scenarios-title" },
    h("div", { class: "head" }, h("h2", { id: "scenarios-title" }, t("shelf.title")),
      h("button", { type: "button", class: "quiet close", "aria-label": t("app.close"), onclick: () => dialog.close() }, cross())),
    list, h("div", { class: "row acts" },
      h("button", { type: "button", class: "primary", onclick: () => { send("new"); dialog.close(); } }, t("shelf.new")),
      h("label", { class: "small", for: "scenario-file" }, t("shelf.upload")), file));
  document.body.append(dialog);
  const element = h("div", { class: "block shelf" }, form, status,
    h("div", { class: "acts" },
      h("button", { type: "button", class: "text-button", onclick: () => dialog.showModal() }, t("shelf.all")),
      h("button", { type: "button", class: "text-button", onclick: () => send("duplicate", { title: title.value }) }, t("shelf.duplicate")),
      h("button", { type: "button", class: "text-button", onclick: share }, t("shelf.share"))), go);
  const item = (one) => h("li", { class: one.name === now.name ? "now" : "" },
    h("button", { type: "button", class: "text-button", title: t("shelf.open"), onclick: () => { send("open", { name: one.name }); dialog.close(); } }, one.title),
    h("small", {}, day.format(one.changed * 1000)),
    h("a", { href: `/manage/scenarios/${one.name}.yaml?lang=${language}`, download: "", "aria-label": t("shelf.download_named", { title: one.title }) }, t("shelf.download")),
    h("button", { type: "button", class: "text-button", "aria-label": t("shelf.remove_named", { title: one.title }), onclick: () => send("remove", { name: one.name }) }, t("shelf.remove")));
  const show = (shown) => {
    const changed = shown.name !== now.name || shown.title !== now.title;
    now = shown;
    if (changed || !title.value) title.value = shown.title;
    mark();
    status.textContent = shown.saved_at ? t(shown.name ? "shelf.saved" : "shelf.draft_saved", { time: clock.format(shown.saved_at * 1000) }) : t("shelf.not_saved");
    go.hidden = shown.draft === null || Boolean(shown.name) || Boolean(shown.saved_at);
    fill(list,
      shown.gone && h("p", { class: "gone", role: "status" }, t("shelf.gone", { title: shown.gone.title }), " ", h("button", { type: "button", class: "text-button", onclick: () => send("restore") }, t("shelf.restore"))),
      shown.scenarios.length ? h("ul", { class: "scenario-list" }, shown.scenarios.map(item)) : h("p", { class: "hint" }, t("shelf.empty")));
  };
  return { element, show };
}
