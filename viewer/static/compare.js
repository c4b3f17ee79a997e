// Today, or the state A, beside what the measures make of it: one picture with a divider, or two with one camera.
import { h } from "./dom.js";
import { choice } from "./ui.js";

/** A control below a legend. Returns what shows whether there is anything to compare. */
export function compare(legend, { t, send, link }) {
  let mode = "none";
  const box = h("div", { class: "compare-choice" });
  const hint = h("p", { class: "hint" });
  const set = (next) => {
    mode = next;
    link?.set("compare", mode === "none" ? "" : mode);
    send("compare", { mode });
    document.body.classList.toggle("comparing", mode !== "none");
  };
  let able = null;
  legend.append(box);
  const wanted = new URLSearchParams(location.search).get("compare");
  if (["swipe", "split"].includes(wanted)) set(wanted);
  let apart = null;
  return (possible, held = false) => {
    if (possible === able && held === apart) return;
    [able, apart] = [possible, held];
    box.replaceChildren(choice(t(held ? "swipe.title_held" : "swipe.title"), "compare", ["none", "swipe", "split"].map((id) => ({ id, title: t(`swipe.${id}`), disabled: !able && id !== "none" })), able ? mode : "none", set), hint);
    hint.textContent = t(held ? "swipe.same" : "swipe.nothing");
    hint.hidden = able;
    // Without a measure both sides are the same: no divider, but the choice stands when a measure comes.
    if (mode !== "none") { send("compare", { mode: able ? mode : "none" }); document.body.classList.toggle("comparing", able); }
  };
}
