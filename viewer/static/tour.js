// A first walk over the real controls: begun once for a new user, by the button whenever one likes.
import { fill, h } from "./dom.js";
import { cross } from "./ui.js";

const SEEN = "lobeda-tour";
// What a step shows, where it lies on phones, and whether the view must be the picture.
const STEPS = [
  { id: "picture", at: ".canvas", tab: null },
  { id: "pick", at: ".block.pick", tab: "panel" },
  { id: "measures", at: "#panel .measures", tab: "panel" },
  { id: "result", at: "#panel .result", tab: "panel" },
  { id: "colour", at: "#legend", tab: "map" },
  { id: "sun", at: "#sun", tab: "sun" },
  { id: "views", at: ".views", tab: null },
];

/** Wire the button; returns {welcome}, which begins the walk for who has never seen it. */
export function tour({ t, f, shell, opener }) {
  let at = -1;
  let back = null;
  const heading = h("h2", { id: "tour-title", tabIndex: -1 });
  const text = h("p", { id: "tour-text" });
  const count = h("p", { class: "hint" });
  const earlier = h("button", { type: "button", class: "small", onclick: () => go(at - 1) }, t("tour.back"));
  const further = h("button", { type: "button", class: "primary", onclick: () => (at + 1 < STEPS.length ? go(at + 1) : close()) });
  const skip = h("button", { type: "button", class: "text-button", onclick: () => close() }, t("tour.skip"));
  const ring = h("div", { class: "tour-ring", "aria-hidden": "true" });
  const card = h("section", { class: "card tour", role: "dialog", "aria-labelledby": "tour-title", "aria-describedby": "tour-text", hidden: true },
    h("div", { class: "head" }, heading, h("button", { type: "button", class: "quiet close", "aria-label": t("tour.end"), title: t("tour.end"), onclick: () => close() }, cross())),
    text, h("div", { class: "row" }, count, skip, earlier, further));
  ring.hidden = true;
  document.body.append(ring, card);

  const target = () => document.querySelector(STEPS[at].at);
  const place = () => {
    if (at < 0) return;
    const box = target()?.getBoundingClientRect();
    const seen = box && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
    ring.hidden = !seen;
    const [wide, high] = [card.offsetWidth, card.offsetHeight];
    if (!seen) { Object.assign(card.style, { left: `${(innerWidth - wide) / 2}px`, top: `${(innerHeight - high) / 2}px` }); return; }
    const inner = { left: Math.max(box.left, 4), top: Math.max(box.top, 4), right: Math.min(box.right, innerWidth - 4), bottom: Math.min(box.bottom, innerHeight - 4) };
    Object.assign(ring.style, { left: `${inner.left - 4}px`, top: `${inner.top - 4}px`, width: `${inner.right - inner.left + 8}px`, height: `${inner.bottom - inner.top + 8}px` });
    // Beside it where there is room (of what stands in the page's head: below), else below or above, else over its middle.
    const aside = Math.max(8, Math.min((inner.left + inner.right - wide) / 2, innerWidth - wide - 8));
    const beside = [[inner.right + 16, inner.top], [inner.left - wide - 16, inner.top]].filter(([x]) => x >= 8 && x + wide <= innerWidth - 8);
    const apart = [[aside, inner.bottom + 16], [aside, inner.top - high - 16]].filter(([, y]) => y >= 8 && y + high <= innerHeight - 8);
    const fits = (target().closest("header") ? [...apart, ...beside] : [...beside, ...apart])[0];
    const [x, y] = fits ?? [(inner.left + inner.right - wide) / 2, (inner.top + inner.bottom - high) / 2];
    Object.assign(card.style, { left: `${Math.max(8, Math.min(x, innerWidth - wide - 8))}px`, top: `${Math.max(8, Math.min(y, innerHeight - high - 8))}px` });
  };
  const go = (to) => {
    at = to;
    const step = STEPS[at];
    shell.showView("3d");
    if (step.tab) shell.open(step.tab); else shell.fold();
    if (step.tab === "panel") document.querySelector('#side-tabs [data-side="plan"]')?.click();
    heading.textContent = t(`tour.${step.id}`);
    fill(text, t(`tour.${step.id}_text`));
    count.textContent = t("tour.count", { step: f.number(at + 1), steps: f.number(STEPS.length) });
    earlier.disabled = at === 0;
    skip.hidden = at + 1 === STEPS.length;
    further.textContent = t(at + 1 < STEPS.length ? "tour.next" : "tour.done");
    card.hidden = false;
    target()?.scrollIntoView?.({ block: "nearest" });
    requestAnimationFrame(() => { place(); heading.focus({ preventScroll: true }); });
  };
  const close = () => {
    if (at < 0) return;
    at = -1;
    card.hidden = ring.hidden = true;
    (back?.isConnected && back !== document.body ? back : opener).focus({ preventScroll: true });
  };
  const begin = () => {
    back = document.activeElement;
    try { localStorage.setItem(SEEN, "1"); } catch { /* a browser that keeps nothing */ }
    go(0);
  };
  opener.addEventListener("click", begin);
  addEventListener("resize", place);
  document.addEventListener("scroll", place, true);
  // Before others hear of it: Escape ends the walk and keeps the selection.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || at < 0 || document.querySelector("dialog[open]")) return;
    event.stopPropagation();
    close();
  }, true);
  return {
    welcome: () => {
      let seen = true;
      try { seen = localStorage.getItem(SEEN) !== null; } catch { /* nothing is kept: not every time, please */ }
      if (!seen && at < 0 && !document.querySelector("dialog[open]")) begin();
    },
  };
}
