// The moderator's page: what waits comes first; each decision can be taken back, but for a deletion.
import { byId, fill, formatter, h, translator } from "./dom.js";

const language = document.documentElement.lang;
const f = formatter(language);
const time = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeStyle: "short", timeZone: "Europe/Berlin" });
const ACTIONS = [
  ["show", ["waiting", "hidden", "refused"], "s"], ["refuse", ["waiting", "hidden"], "r"], ["hide", ["shown"], "h"],
  ["answer", ["waiting", "shown", "hidden"], "a"], ["delete", ["waiting", "shown", "hidden", "refused"], "Delete"],
];
const ASKS = { refuse: true, answer: true, delete: false };

async function ask(path, body) {
  const answer = await fetch(`/moderate${path}${path.includes("?") ? "&" : "?"}lang=${language}`, body && {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (answer.status === 401) return location.reload(); // the session has ended: the page says how to log in
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.message);
  return found;
}

async function start() {
  const t = translator(await ask("/texts"));
  const list = byId("list");
  const state = { rows: [], undo: null, titles: {} };
  const chosen = () => document.querySelector('input[name="state"]:checked').value;
  let turn = 0;

  async function load({ before = null, focus = null } = {}) {
    const mine = ++turn;
    const query = new URLSearchParams({ state: chosen(), proposal: byId("proposal").value, q: byId("query").value });
    if (before) query.set("before", before);
    let data;
    try {
      data = await ask(`/comments?${query}`);
    } catch (error) {
      return toast(t("moderation.failed", { message: error.message || "" }), true);
    }
    if (mine !== turn) return;
    state.rows = before ? [...state.rows, ...data.comments] : data.comments;
    state.titles = data.proposals;
    counts(data.totals);
    undoable(data.undo);
    topics(data.proposals);
    byId("heading").textContent = t(`moderation.state_${chosen() || "all"}`);
    byId("more").hidden = !data.more;
    draw();
    if (focus !== null) at(Math.min(focus, state.rows.length - 1));
  }

  function counts(totals) {
    for (const one of document.querySelectorAll("[data-count]")) {
      const name = one.dataset.count;
      const count = name ? totals[name] : Object.values(totals).reduce((sum, value) => sum + value, 0);
      one.textContent = f.number(count);
      one.classList.toggle("due", name === "waiting" && count > 0);
    }
  }
  function undoable(found) {
    state.undo = found;
    byId("undo").disabled = !found;
    byId("undo").title = found ? t(`moderation.did_${found.action}`, { number: found.comment_id }) : "";
  }
  function topics(titles) {
    const select = byId("proposal");
    if (select.options.length === 1) select.append(...Object.keys(titles).map((name) => h("option", { value: name }, title(name))));
  }
  const title = (name) => state.titles[name]?.[language] ?? state.titles[name]?.de ?? Object.values(state.titles[name] ?? {})[0] ?? name;

  function draw() {
    byId("count").textContent = state.rows.length ? t(state.rows.length === 1 && byId("more").hidden ? "moderation.count_one" : "moderation.count", { count: f.number(state.rows.length) + (byId("more").hidden ? "" : "+") }) : "";
    fill(list, state.rows.map(card));
    if (!state.rows.length) fill(list, h("li", { class: "nothing" }, t(chosen() === "waiting" && !byId("query").value ? "moderation.nothing_waits" : "moderation.nothing")));
  }
  function at(index) {
    const cards = [...list.querySelectorAll(".item")];
    (cards[index] ?? list).focus();
  }

  function card(row, index) {
    const extra = h("div", { class: "extra" });
    const act = (name) => {
      if (!(name in ASKS)) return decide(row, name, "", index);
      open(extra, row, name, index);
    };
    const possible = ACTIONS.filter(([, states]) => states.includes(row.state));
    const text = row.state === "deleted" ? h("p", { class: "muted" }, t("moderation.text_gone"))
      : h("p", { class: "comment-text", dir: "auto" }, row.text);
    return h("li", { class: `item card ${row.state}`, tabIndex: 0, "data-id": row.id, "aria-label": t("moderation.item", { number: row.id, state: t(`moderation.state_${row.state}`) }), onkeydown: (event) => keys(event, index, possible, act) },
      h("p", { class: "meta" }, h("span", { class: `chip ${row.state}` }, t(`moderation.state_${row.state}`)), h("span", {}, `${t("moderation.number", { number: row.id })} · `, title(row.proposal)),
        h("time", { datetime: row.created }, time.format(new Date(row.created)))),
      text,
      h("p", { class: "meta" }, row.place && h("span", {}, t("moderation.place", { east: f.number(row.place[0]), north: f.number(row.place[1]) }) + (row.group ? ` · ${row.group}` : "")),
        row.state !== "deleted" && h("span", {}, t("moderation.votes", { agree: f.number(row.agree), disagree: f.number(row.disagree) }))),
      row.reason && h("p", { class: "reason" }, h("b", {}, `${t("moderation.reason")}: `), h("bdi", {}, row.reason)),
      row.answer && h("div", { class: "answer" }, h("b", {}, t("moderation.answer_public")), h("p", { class: "comment-text", dir: "auto" }, row.answer)),
      possible.length > 0 && h("p", { class: "actions" }, possible.map(([name]) => h("button", {
        type: "button", class: name === "show" ? "primary" : `small ${name}`, "data-act": name, onclick: () => act(name),
      }, t(`moderation.${name === "answer" && row.answer ? "answer_change" : name}`)))),
      extra,
      row.trail.length > 0 && h("details", { class: "trail" }, h("summary", {}, t("moderation.trail", { count: f.number(row.trail.length) })),
        h("ol", {}, row.trail.map((one) => h("li", { class: one.undone ? "undone" : "" }, time.format(new Date(one.at)), " · ", ["moderator", "author", "retention"].includes(one.actor) ? t(`moderation.actor_${one.actor}`) : h("bdi", {}, one.actor), " · ", t(`moderation.done_${one.action}`), one.reason && [": ", h("bdi", {}, one.reason)])))));
  }

  function keys(event, index, possible, act) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const action = possible.find(([, , key]) => key === event.key);
    if (step) at(Math.max(0, Math.min(state.rows.length - 1, index + step)));
    else if (action) act(action[0]);
    else if (event.key === "u" && state.undo) undo();
    else return;
    event.preventDefault();
  }

  function open(extra, row, name, index) {
    const id = `${name}-${row.id}`;
    const back = () => { fill(extra); list.querySelector(`[data-id="${row.id}"]`)?.focus(); };
    const field = ASKS[name] && h("textarea", { id, rows: "3", maxlength: "4000", dir: "auto" });
    if (field) field.value = name === "answer" ? row.answer : "";
    const presets = name === "refuse" && h("p", { class: "presets" }, ["insult", "person", "off_topic", "advert"].map((one) =>
      h("button", { type: "button", class: "small", onclick: () => { field.value = t(`moderation.reason_${one}`); field.focus(); } }, t(`moderation.preset_${one}`))));
    const form = h("form", { onsubmit: (event) => { event.preventDefault(); decide(row, name, field ? field.value : "", index, field); }, onkeydown: (event) => { if (event.key === "Escape") back(); } },
      field ? [h("label", { class: "label", for: id }, t(`moderation.${name}_label`)), presets, field] : h("p", {}, t(`moderation.${name}_ask`)),
      h("p", { class: "actions" }, h("button", { class: name === "delete" ? "small danger" : "primary" }, t(`moderation.${name}_do`)),
        h("button", { type: "button", class: "small", onclick: back }, t("moderation.cancel"))));
    fill(extra, form);
    (field || form.querySelector("button")).focus();
  }

  async function decide(row, action, text, index, field) {
    try {
      const { decision } = await ask(`/comments/${row.id}`, { action, text });
      await load({ focus: index });
      const undoing = action === "delete" ? null : () => undo(decision);
      toast(t(`moderation.did_${action}`, { number: row.id }), false, undoing);
    } catch (error) {
      toast(error.message, true);
      field?.focus();
    }
  }
  async function undo(decision = state.undo?.id) {
    try {
      const { comment } = await ask("/undo", { decision });
      await load();
      toast(t("moderation.undone", { number: comment.id }));
      const back = list.querySelector(`[data-id="${comment.id}"]`);
      (back ?? list).focus();
    } catch (error) {
      toast(error.message, true);
    }
  }

  const toasts = h("div", { class: "toasts", role: "status" });
  document.body.append(toasts);
  function toast(message, bad = false, back = null) {
    fill(toasts, h("div", { class: `said ${bad ? "bad" : ""}` }, h("span", {}, message),
      back && h("button", { type: "button", onclick: back }, t("moderation.undo")),
      h("button", { type: "button", "aria-label": t("app.close"), onclick: () => fill(toasts) }, "×")));
  }

  for (const radio of document.querySelectorAll('input[name="state"]')) radio.addEventListener("change", () => load());
  byId("proposal").addEventListener("change", () => load());
  let later = 0;
  byId("query").addEventListener("input", () => { clearTimeout(later); later = setTimeout(load, 200); });
  byId("undo").addEventListener("click", () => undo());
  byId("more").addEventListener("click", () => load({ before: state.rows.at(-1).id, focus: state.rows.length }));
  load();
}

start();
