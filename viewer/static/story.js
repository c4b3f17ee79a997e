// A guided walk: one step after the other, by button or arrow key; the large screen walks by itself.
import { fill, h } from "./dom.js";

const READ_MS = 70; // a character
const LEAST_MS = 9000;
const IDLE_MS = 60_000;

/** Turn a story's list of steps into a walk; `view.open()` when its view is shown, `view.close()` when it is left. */
export function story(app, view, entry) {
  const { t, f } = app;
  const steps = [...view.querySelectorAll(".step")];
  const place = h("p", { class: "muted", role: "status" });
  const back = h("button", { type: "button", class: "small", onclick: () => go(at - 1) }, t("story.back"));
  const next = h("button", { type: "button", class: "primary", onclick: () => go(at + 1) }, t("story.next"));
  fill(view.querySelector("[data-walk]"), h("div", { class: "row walk" }, back, place, next));
  let at = 0;
  const go = (number, focus = true) => {
    at = Math.min(Math.max(number, 0), steps.length - 1);
    steps.forEach((step, i) => { step.hidden = i !== at; });
    back.disabled = at === 0;
    next.disabled = at === steps.length - 1;
    place.textContent = t("story.step", { step: f.number(at + 1), steps: f.number(steps.length) });
    app.present(entry.views[at], app.data.proposals.find((one) => one.id === entry.proposal));
    if (focus) steps[at].querySelector("h3").focus({ preventScroll: true });
  };
  view.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 }[event.key];
    if (!step || event.target.closest("input, select")) return;
    event.preventDefault();
    go(at + step);
  });
  return {
    open: () => go(0, false),
    step: () => { if (at + 1 < steps.length) { go(at + 1, false); return true; } return false; },
    again: () => go(at, false),
    patience: () => Math.max(LEAST_MS, READ_MS * steps[at].textContent.length),
  };
}

/** The large screen: no forms, stories one after the other, from the start after a while without a touch. */
export function kiosk(app, walks) {
  const names = [...walks.keys()];
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const state = { running: !calm.matches, timer: 0, idle: 0, at: 0 };
  const button = h("button", { type: "button", class: "primary", onclick: () => run(!state.running) });
  document.body.append(h("div", { class: "kiosk-bar" }, button));
  const show = (number) => {
    state.at = number % names.length;
    location.replace(`#${names[state.at]}`);
  };
  const tick = () => {
    clearTimeout(state.timer);
    if (!state.running) return;
    const walk = walks.get(location.hash.slice(1));
    state.timer = setTimeout(() => {
      if (!walk?.step()) show(walk ? state.at + 1 : state.at);
      tick();
    }, walk ? walk.patience() : LEAST_MS);
  };
  const run = (on) => {
    state.running = on;
    button.textContent = app.t(on ? "kiosk.pause" : "kiosk.play");
    tick();
  };
  const rest = () => {
    clearTimeout(state.idle);
    state.idle = setTimeout(() => { app.clear(); show(0); run(!calm.matches); }, app.idleMs ?? IDLE_MS);
  };
  for (const kind of ["pointerdown", "keydown", "wheel"]) {
    addEventListener(kind, (event) => { if (!button.contains(event.target) && state.running) run(false); rest(); }, { passive: true });
  }
  calm.addEventListener("change", () => run(!calm.matches));
  if (names.length) show(0);
  run(state.running);
  rest();
}
