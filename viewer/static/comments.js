// Comments and votes on a proposal. Whatever comes from people is set as text, never as markup.
import { fill, h } from "./dom.js";

const VOTER = "lobeda-voter";
const VOTES = "lobeda-votes";

/**
 * Show the comments of a proposal in `element`.
 *
 * api: where the twin runs ("/", "https://host"), empty where it does not. t, f: dom.js's translator and formatter.
 * proposal: its id. heading: whether to write one, where the page has none. place: {point: [east, north] in EPSG:25832, group, label} or null.
 * onPick(): lets the visitor choose a place; resolves to one, or null. onShow(place): shows a comment's place.
 * labelOf(place): its name, or nothing. All three may be missing.
 *
 * Gives {setPlace(place), refresh(), relabel(), destroy()}.
 */
export function mount(element, { api, language = document.documentElement.lang, t, f, proposal, place = null, heading = false, onPick, onShow, labelOf }) {
  style();
  const base = api ? `${api.replace(/\/+$/, "")}/api/participation` : "";
  const state = { place, data: null, rows: [], sending: false };
  const closing = new AbortController();
  const date = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { dateStyle: "medium", timeZone: "UTC" });
  const id = (name) => `comments-${proposal}-${name}`; // a page may hold several

  // With the session that a resident's link opens, where the twin asks for one; never to another host.
  async function ask(path, body) {
    const answer = await fetch(`${base}${path}${path.includes("?") ? "&" : "?"}lang=${encodeURIComponent(language)}`, {
      method: body ? "POST" : "GET", credentials: "same-origin", referrerPolicy: "no-referrer", signal: closing.signal,
      ...(body ? { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {}),
    });
    const found = await answer.json();
    if (answer.ok) return found;
    throw new Refusal(found.message ?? t("participation.refused_store"));
  }
  const reason = (error) => (error instanceof Refusal ? error.message : t("participation.unreachable"));

  const note = h("p", { class: "comments-note", role: "status", tabIndex: -1 });
  const tell = (text, bad = false) => { note.textContent = text; note.classList.toggle("bad", bad); };
  const votes = h("div", { class: "comments-votes" });
  const summary = h("p", { class: "hint" });
  const list = h("ol", { class: "comments-list" });
  const more = h("button", { type: "button", class: "text-button", hidden: true, onclick: () => load(state.rows.at(-1)?.id) }, t("participation.more"));
  const composing = compose();
  const own = ownComment();
  const body = h("div", { class: "comments-body", hidden: true }, votes, composing.element,
    h("h3", { id: id("heading") }, t("participation.comments")), summary, list, more, own.element);
  const waiting = h("div", { class: "comments-waiting", role: "status" });
  element.classList.add("comments");
  fill(element, heading && h("h2", {}, t("participation.title")), waiting, body);

  async function load(before) {
    try {
      const data = await ask(`/proposals/${encodeURIComponent(proposal)}/comments${before ? `?before=${before}` : ""}`);
      const focus = before ? state.rows.length : -1;
      state.rows = before ? [...state.rows, ...data.comments] : data.comments;
      state.data = data;
      fill(waiting);
      body.hidden = false;
      draw();
      list.children[focus]?.querySelector("button")?.focus();
    } catch (error) {
      if (closing.signal.aborted) return;
      if (state.data) return void tell(reason(error), true);
      fill(waiting, h("p", {}, reason(error)),
        h("button", { type: "button", class: "small", onclick: start }, t("participation.again")));
    }
  }

  function draw() {
    const { data } = state;
    fill(votes, voting(data));
    summary.textContent = becameOf(data);
    fill(list, state.rows.map(comment));
    relabel();
    if (!state.rows.length) fill(list, h("li", { class: "comments-none" }, t(takes(data) ? "participation.none" : "participation.none_closed")));
    more.hidden = !data.more;
    composing.show(data);
  }

  function becameOf(data) {
    const { shown, waiting: checked, refused, hidden, answered } = data.counts;
    const said = [["shown", shown], ["answered", answered], ["waiting", checked], ["refused", refused + hidden]]
      .filter(([name, count]) => count || name === "shown").map(([name, count]) => t(`participation.count_${name}`, { count: f.number(count) }));
    return said.join(" · ");
  }

  function voting(data) {
    const { agree, disagree } = data.votes;
    const bar = agree + disagree > 0 && h("div", { class: "comments-bar", "aria-hidden": "true" }, h("i", { style: `width:${(100 * agree) / (agree + disagree)}%` }));
    return [h("p", { class: "label", id: id("vote") }, t(data.open ? "participation.vote" : "participation.vote_closed")),
      h("div", { class: "comments-pair", role: "group", "aria-labelledby": id("vote") },
        voteButtons({ proposal }, `proposal:${proposal}`, data.votes, takes(data))), bar,
      takes(data) && h("p", { class: "hint" }, t("participation.vote_hint"))];
  }

  function voteButtons(target, key, counts, open, small = false) {
    const mine = remembered()[key] ?? 0;
    return [["agree", 1], ["disagree", -1]].map(([name, value]) => h("button", {
      type: "button", class: `vote ${name}${small ? " tiny" : ""}`, "aria-pressed": String(mine === value), disabled: !open,
      "aria-label": `${t(`participation.${name}`)}: ${f.number(counts[name])}`, "data-vote": `${key}:${name}`,
      onclick: (event) => cast(target, key, mine === value ? 0 : value, event.currentTarget.dataset.vote),
    }, thumb(value), h("span", {}, small ? "" : t(`participation.${name}`)), h("b", {}, f.number(counts[name]))));
  }

  async function cast(target, key, value, button) {
    try {
      const { votes: counted } = await ask("/votes", { ...target, value, voter: voter() });
      remember(key, value);
      if (target.proposal) state.data.votes = counted;
      else state.rows.find((row) => row.id === target.comment).votes = counted;
      draw();
      tell(t(value ? "participation.voted" : "participation.withdrawn"));
    } catch (error) {
      tell(reason(error), true);
    }
    [...element.querySelectorAll("[data-vote]")].find((one) => one.dataset.vote === button)?.focus();
  }

  function comment(row) {
    const where = row.place && h("span", { class: "comment-where" });
    return h("li", { class: "comment" },
      h("p", { class: "comment-text", dir: "auto" }, row.text),
      h("p", { class: "comment-meta" }, h("time", { datetime: row.date }, date.format(new Date(row.date))),
        where && (onShow ? h("button", { type: "button", class: "text-button", onclick: () => onShow(row.place) }, pin(), where)
          : h("span", {}, pin(), where)),
        h("span", { class: "comments-pair", role: "group", "aria-label": t("participation.vote_comment") },
          voteButtons({ comment: row.id }, `comment:${row.id}`, row.votes, takes(state.data), true))),
      row.answer && h("div", { class: "comment-answer" }, h("p", { class: "kicker" }, t("participation.answer"), " · ",
        h("time", { datetime: row.answer.date }, date.format(new Date(row.answer.date)))),
      h("p", { class: "comment-text", dir: "auto" }, row.answer.text)));
  }

  /** Names the places of the comments that are shown; again, once the picture is there to name them. */
  function relabel() {
    const places = state.rows.filter((row) => row.place).map((row) => labelOf?.(row.place) || t("participation.place"));
    [...list.querySelectorAll(".comment-where")].forEach((element, i) => {
      element.textContent = places[i];
      element.closest("button")?.setAttribute("aria-label", t("participation.show_place", { place: places[i] }));
    });
  }

  function compose() {
    const field = h("textarea", { id: id("text"), rows: "4", dir: "auto", "aria-describedby": `${id("count")} ${id("rules")} ${id("error")}`, oninput: () => { count(); wrong(""); } });
    const counter = h("p", { class: "hint comments-count", id: id("count") });
    const error = h("p", { class: "comments-error", id: id("error"), role: "alert" });
    const chosen = h("span", {});
    const pick = onPick && h("button", { type: "button", class: "small", onclick: picking }, t("participation.pick"));
    const drop = h("button", { type: "button", class: "text-button", onclick: () => { setPlace(null); (pick || field).focus(); } }, t("participation.drop_place"));
    const where = h("p", { class: "comments-place" }, pin(), chosen, pick, drop);
    const send = h("button", { class: "primary" }, t("participation.send"));
    const rules = h("p", { class: "hint", id: id("rules") });
    const form = h("form", { novalidate: true, onsubmit: sending },
      h("label", { class: "label", for: id("text") }, t("participation.yours")), field, counter, where, error, rules, send);
    const done = h("div", { class: "comments-sent", hidden: true, tabIndex: -1 });
    const closed = h("p", { class: "comments-closed", hidden: true });

    const length = () => (field.value.length > 40000 ? field.value.length : [...field.value.trim()].length);
    const limit = () => state.data?.length ?? 2000;
    const wrong = (text) => { error.textContent = text; field.setAttribute("aria-invalid", String(Boolean(text))); };
    function count() {
      const left = limit() - length();
      counter.textContent = left < 0 ? t("participation.too_long", { count: f.number(-left) }) : left <= 300 ? t("participation.left", { count: f.number(left) }) : "";
      counter.classList.toggle("bad", left < 0);
    }
    async function picking() {
      const found = await onPick();
      if (found) setPlace(found);
      pick.focus();
    }
    async function sending(event) {
      event.preventDefault();
      if (state.sending) return;
      if (!length()) wrong(t("participation.refused_empty"));
      else if (length() > limit()) wrong(t("participation.refused_long", { limit: f.number(limit()) }));
      else wrong("");
      if (error.textContent) return void field.focus();
      state.sending = true;
      send.setAttribute("aria-disabled", "true");
      send.textContent = t("participation.sending");
      try {
        const spot = state.place && { point: state.place.point, group: state.place.group ?? null };
        sent(await ask(`/proposals/${encodeURIComponent(proposal)}/comments`, { text: field.value, ...(spot ? { place: spot } : {}) }));
      } catch (failure) {
        if (closing.signal.aborted) return;
        wrong(reason(failure));
        field.focus();
      } finally {
        state.sending = false;
        send.removeAttribute("aria-disabled");
        send.textContent = t("participation.send");
      }
    }
    function sent({ code, state: became }) {
      field.value = "";
      count();
      setPlace(null);
      const copied = h("span", { class: "hint", role: "status" });
      const copy = async () => {
        try {
          await navigator.clipboard.writeText(code);
          copied.textContent = t("participation.copied");
        } catch {
          getSelection().selectAllChildren(done.querySelector("code"));
          copied.textContent = t("participation.copy_yourself");
        }
      };
      fill(done, h("h3", {}, t("participation.thanks")), h("p", {}, t(`participation.sent_${became}`)),
        h("p", {}, t("participation.code")),
        h("p", { class: "comments-code" }, h("code", {}, code), h("button", { type: "button", class: "small", onclick: copy }, t("participation.copy")), copied),
        h("button", { type: "button", class: "text-button", onclick: () => { done.hidden = true; form.hidden = false; field.focus(); } }, t("participation.another")));
      form.hidden = true;
      done.hidden = false;
      done.focus();
      load();
    }
    return {
      element: h("div", { class: "comments-compose" }, form, done, closed, note),
      place: () => {
        const label = state.place && (state.place.label || labelOf?.(state.place) || t("participation.place"));
        chosen.textContent = label ? t("participation.at_place", { place: label }) : t("participation.no_place");
        drop.hidden = !label;
        where.hidden = !label && !onPick;
        if (pick) pick.textContent = t(label ? "participation.pick_other" : "participation.pick");
      },
      show: (data) => {
        rules.textContent = t(`participation.rules_${data.moderation}`);
        closed.hidden = takes(data);
        closed.textContent = t(data.open ? "participation.by_link" : "participation.closed");
        form.hidden = !takes(data) || !done.hidden;
        count();
      },
    };
  }

  function ownComment() {
    const field = h("input", { id: id("code"), type: "text", autocomplete: "off", spellcheck: false, autocapitalize: "characters", placeholder: "XXXX-XXXX-XXXX-XXXX", maxlength: "40" });
    const result = h("div", { class: "comments-own", role: "status" });
    const act = (work) => async () => {
      if (!field.value.trim()) {
        fill(result, h("p", { class: "bad" }, t("participation.code_missing")));
        return field.focus();
      }
      try {
        await work(field.value);
      } catch (error) {
        fill(result, h("p", { class: "bad" }, reason(error)));
      }
    };
    const look = act(async (code) => {
      const found = await ask("/status", { code });
      fill(result, h("p", {}, h("b", {}, t(`participation.state_${found.state}`))),
        found.reason && h("p", { dir: "auto" }, t("participation.because", { reason: found.reason })),
        h("blockquote", { class: "comment-text", dir: "auto" }, found.text),
        found.answer && h("p", { class: "comment-text", dir: "auto" }, `${t("participation.answer")}: ${found.answer}`));
    });
    const remove = act(async (code) => {
      const sure = h("button", { type: "button", class: "small danger", onclick: act(async () => {
        await ask("/deletions", { code });
        field.value = "";
        fill(result, h("p", { tabIndex: -1 }, t("participation.deleted")));
        result.firstChild.focus();
        load();
      }) }, t("participation.delete_sure"));
      fill(result, h("p", {}, t("participation.delete_ask")), sure, " ",
        h("button", { type: "button", class: "small", onclick: () => { fill(result); field.focus(); } }, t("participation.keep")));
      sure.focus();
    });
    return { element: h("details", { class: "comments-mine" }, h("summary", {}, t("participation.own")),
      h("p", { class: "hint" }, t("participation.own_hint")),
      h("label", { class: "label", for: id("code") }, t("participation.code_label")), field,
      h("p", { class: "comments-actions" }, h("button", { type: "button", class: "small", onclick: look }, t("participation.look")),
        h("button", { type: "button", class: "small", onclick: remove }, t("participation.delete"))), result,
      h("p", { class: "hint" }, t("participation.privacy"))) };
  }

  function setPlace(next) {
    state.place = next;
    composing.place();
  }
  function start() {
    fill(waiting, h("div", { class: "comments-skeleton", "aria-hidden": "true" }, h("i", {}), h("i", {}), h("i", {})), h("span", { class: "visually-hidden" }, t("participation.loading")));
    return load();
  }
  setPlace(place);
  if (base) start();
  else fill(waiting, h("p", {}, t("participation.off")));
  return { setPlace, refresh: () => load(), relabel, destroy: () => { closing.abort(); fill(element); } };
}

/** Whether this visitor may write and vote here: it is open, and not only for those who have a link. */
const takes = (data) => data.open && data.may_write !== false;

class Refusal extends Error {}

/** The style sheet beside this script, once a page. */
function style() {
  const href = new URL("./comments.css", import.meta.url).href;
  if (![...document.querySelectorAll('link[rel="stylesheet"]')].some((link) => link.href === href)) {
    document.head.append(h("link", { rel: "stylesheet", href }));
  }
}

// What this browser remembers: how it voted, and a random number that lets it change its mind.
let forgetful = {};
function stored(key) {
  try { return localStorage.getItem(key); } catch { return forgetful[key] ?? null; }
}
function store(key, value) {
  try { localStorage.setItem(key, value); } catch { forgetful[key] = value; }
}
function voter() {
  let known = stored(VOTER);
  if (!/^[A-Za-z0-9_-]{20,64}$/.test(known ?? "")) {
    known = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    store(VOTER, known);
  }
  return known;
}
function remembered() {
  try { return JSON.parse(stored(VOTES)) ?? {}; } catch { return {}; }
}
function remember(key, value) {
  const { [key]: _, ...others } = remembered();
  store(VOTES, JSON.stringify(value ? { ...others, [key]: value } : others));
}

function icon(path, flipped = false) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  if (flipped) svg.classList.add("flipped");
  const line = document.createElementNS(space, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}
const thumb = (value) => icon("M2.500 7.500h2.500v6H2.500zM5 7.500 8 2.200c1.300 0 1.900 1 1.600 2.200L9.100 6.500h3.400c.9 0 1.500.8 1.300 1.700l-1 4.200c-.1.700-.7 1.100-1.300 1.100H5", value < 0);
const pin = () => icon("M8 14.500S3.500 9.800 3.500 6.300a4.500 4.500 0 0 1 9 0C12.500 9.800 8 14.500 8 14.500zM8 8.100a1.700 1.700 0 1 0 0-3.400 1.700 1.700 0 0 0 0 3.400z");
