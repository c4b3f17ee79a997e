import { text } from "./texts";
import type { CompareMode, Language } from "./types";

const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

/** The line between both sides of a comparison, with their names; movable where it swipes. */
export class Divider {
  readonly element = document.createElement("div");
  share = 0.5;
  private mode: CompareMode = "none";
  private readonly grip = document.createElement("div");
  private readonly names = [document.createElement("span"), document.createElement("span")] as const;
  private named: readonly [string, string] | null = null;

  constructor(private language: Language, private readonly moved: (share: number) => void) {
    this.element.className = "lobeda-divider";
    this.grip.className = "grip";
    this.grip.innerHTML = `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M7.500 5.500L3 10l4.500 4.500M12.500 5.500L17 10l-4.500 4.500"/></svg>`;
    this.names.forEach((name, side) => (name.className = side ? "right" : "left"));
    this.element.append(...this.names, this.grip);
    this.element.addEventListener("pointerdown", (event) => {
      if (this.mode !== "swipe") return;
      event.preventDefault();
      this.grip.focus();
      this.element.setPointerCapture(event.pointerId);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (!this.element.hasPointerCapture(event.pointerId)) return;
      const box = this.element.parentElement!.getBoundingClientRect();
      this.move((event.clientX - box.left) / box.width);
    });
    this.grip.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      const to = event.key === "Home" ? 0 : event.key === "End" ? 1 : step === undefined ? null : Math.round(this.share * 100 + step) / 100;
      if (to === null) return;
      event.preventDefault();
      this.move(to);
    });
    this.show("none");
  }

  show(mode: CompareMode, share = this.share, names: readonly [string, string] | null = this.named): void {
    this.mode = mode;
    this.named = names;
    this.share = Math.min(Math.max(share, 0), 1);
    this.element.hidden = mode === "none";
    this.element.dataset["mode"] = mode;
    const at = mode === "split" ? 0.5 : this.share;
    this.element.style.left = `${(100 * at).toFixed(3)}%`;
    const said = [names?.[0] ?? text(this.language, "left"), names?.[1] ?? text(this.language, "right")] as const;
    this.names.forEach((name, side) => (name.textContent = said[side]!));
    this.grip.hidden = mode !== "swipe";
    const percent = Math.round(100 * this.share);
    for (const [name, value] of Object.entries({
      role: "slider", tabindex: "0", "aria-label": text(this.language, "divider"), "aria-orientation": "horizontal",
      "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(percent),
      "aria-valuetext": `${said[0]} ${percent} %, ${said[1]} ${100 - percent} %`,
    })) this.grip.setAttribute(name, value);
  }

  setLanguage(language: Language): void {
    this.language = language;
    this.show(this.mode);
  }

  /** The line and the names, on a picture to keep. */
  draw(pen: CanvasRenderingContext2D, width: number, height: number): void {
    if (this.mode === "none") return;
    const at = (this.mode === "split" ? 0.5 : this.share) * width;
    const size = Math.max(12, width / 70);
    pen.fillStyle = "#fff";
    pen.fillRect(at - size / 8, 0, size / 4, height);
    pen.font = `650 ${size}px system-ui, sans-serif`;
    this.names.forEach((name, side) => {
      const words = name.textContent ?? "";
      const wide = pen.measureText(words).width;
      const x = side ? at + size : at - size - wide;
      pen.fillStyle = "rgb(15 47 54 / 88%)";
      pen.fillRect(x - size / 2, size * 0.6, wide + size, size * 1.7);
      pen.fillStyle = "#fff";
      pen.fillText(words, x, size * 1.75);
    });
  }

  private move(share: number): void {
    this.show(this.mode, share);
    this.moved(this.share);
  }
}
