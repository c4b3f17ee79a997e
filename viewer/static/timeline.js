// The time slider: buildings coloured by the hours of a day, the days or the months of a year, with play.
import { fill, h, perFrame } from "./dom.js";
import * as ui from "./ui.js";

const ZONE = "Europe/Berlin";

/** A block of the sun's card. */
export function timeline({ t, f, send, language, link }) {
  const locale = language === "en" ? "en-GB" : language;
  const names = {
    day: new Intl.DateTimeFormat(locale, { timeZone: ZONE, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
    days: new Intl.DateTimeFormat(locale, { timeZone: ZONE, weekday: "short", day: "numeric", month: "long" }),
    months: new Intl.DateTimeFormat(locale, { timeZone: ZONE, month: "long" }),
  };
  const state = { span: "", quantity: "heat" };
  let shown = {};
  let at = 0;
  let playing = false;
  const date = () => document.getElementById("sun-date")?.value || "";
  const ask = () => {
    link.set("time", state.span ? `${state.span}.${state.quantity}` : "");
    send("frames", { span: state.span, quantity: state.quantity, day: date() });
  };
  const quantity = h("select", { id: "time-quantity", "aria-label": t("time.quantity"), onchange: () => { state.quantity = quantity.value; ask(); } },
    ["heat", "pv", "grid"].map((id) => h("option", { value: id }, t(`time.${id}`))));
  const slider = h("input", { type: "range", min: "0", max: "0", value: "0", id: "time-frame", "aria-label": t("time.frame") });
  const tell = perFrame((frame) => send("frame", { at: frame }));
  slider.addEventListener("input", () => { at = Number(slider.value); stop(); tell(at); label(); });
  const play = h("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => { playing = !playing; send("play", { on: playing }); label(); } }, t("time.play"));
  const stop = () => { if (playing) { playing = false; send("play", { on: false }); } };
  const out = h("p", { class: "time-out", role: "status" });
  const run = h("div", { class: "time-run", hidden: true }, h("div", { class: "row" }, quantity, play), slider, out);
  const span = h("div", {});
  const spans = () => fill(span, ui.choice(t("time.title"), "time-span", [
    { id: "", title: t("time.off") }, { id: "day", title: t("time.day") }, { id: "days", title: t("time.days") }, { id: "months", title: t("time.months") },
  ], state.span, (id) => { state.span = id; stop(); run.hidden = !id; ask(); }));
  const label = () => {
    play.textContent = t(playing ? "time.pause" : "time.play");
    play.setAttribute("aria-pressed", String(playing));
    if (!shown.starts) { out.textContent = shown.busy ? t("time.busy", { share: f.quantity(100 * shown.share, "%") }) : ""; return; }
    const name = names[shown.span].format(shown.starts[at] * 1000);
    out.textContent = t("time.now", { when: name, total: f.quantity(shown.total[at], shown.unit, Math.abs(shown.total[at]) < 100 ? 1 : 0) });
    slider.setAttribute("aria-valuetext", out.textContent);
    ui.fillTrack(slider);
  };
  spans();
  return {
    element: h("div", { class: "timeline" }, span, run),
    show: (frames) => {
      shown = frames;
      if (frames.starts) {
        slider.max = String(frames.starts.length - 1);
        at = frames.frame;
        slider.value = String(at);
      }
      if (!frames.span && state.span) { state.span = ""; link.set("time", ""); run.hidden = true; playing = false; spans(); } // another colouring took over
      slider.disabled = play.disabled = !frames.starts;
      label();
    },
    frame: (now) => { at = now; slider.value = String(now); label(); },
    date: () => { if (state.span === "day") ask(); },
    open: (text) => {
      const [first, second] = text.split(".");
      if (!["day", "days", "months"].includes(first)) return;
      state.span = first;
      state.quantity = ["heat", "pv", "grid"].includes(second) ? second : "heat";
      quantity.value = state.quantity;
      run.hidden = false;
      spans();
      ask();
    },
  };
}
