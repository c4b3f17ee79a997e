import type { Navigator } from "./camera";
import { STYLE } from "./style";
import { text, type TextKey } from "./texts";
import type { Language, Manifest } from "./types";

const ICONS: [TextKey, string, string][] = [
  ["zoomIn", "M10 4v12M4 10h12", ""],
  ["zoomOut", "M4 10h12", ""],
  ["north", "", `<g class="needle"><path d="M10 3l3.4 7H6.6z" fill="#c0392b" stroke="none"/><path d="M10 17l3.4-7H6.6z" fill="#7d8a90" stroke="none"/></g>`],
  ["tilt", "M3 13l7-8 7 8M5.500 16h9", ""],
  ["home", "M3.500 10L10 4l6.500 6M5.500 8.500V16h9V8.500", ""],
];

/** The frame around the picture: its element, buttons, credit, and messages. */
export class Overlay {
  readonly root = document.createElement("div");
  private readonly tools = document.createElement("div");
  private readonly credit = document.createElement("p");
  private readonly buttons = new Map<TextKey, HTMLButtonElement>();

  constructor(parent: HTMLElement, private language: Language) {
    this.root.className = "lobeda-scene";
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.root.append(style);
    parent.append(this.root);
  }

  addTools(navigator: Navigator): void {
    this.tools.className = "lobeda-tools";
    const actions: Partial<Record<TextKey, () => void>> = {
      zoomIn: () => navigator.zoom(0.65),
      zoomOut: () => navigator.zoom(1.5),
      north: () => navigator.north(),
      tilt: () => navigator.tilt(),
      home: () => navigator.home(),
    };
    for (const [key, path, inner] of ICONS) {
      const button = document.createElement("button");
      button.type = "button";
      button.innerHTML = `<svg viewBox="0 0 20 20" aria-hidden="true">${path ? `<path d="${path}"/>` : ""}${inner}</svg>`;
      if (key === "zoomIn" || key === "zoomOut") button.className = "wide-only";
      button.addEventListener("click", () => actions[key]?.());
      this.buttons.set(key, button);
      this.tools.append(button);
    }
    this.root.append(this.tools);
    this.setLanguage(this.language);
  }

  /** Turn the compass needle. [rad] */
  turn(heading: number): void {
    const needle = this.buttons.get("north")?.querySelector<SVGGElement>(".needle");
    needle?.setAttribute("transform", `rotate(${((-heading * 180) / Math.PI).toFixed(1)} 10 10)`);
  }

  setLanguage(language: Language): void {
    this.language = language;
    for (const [key, button] of this.buttons) {
      button.title = text(language, key);
      button.setAttribute("aria-label", text(language, key));
    }
  }

  showCredit(manifest: Manifest): void {
    this.credit.className = "lobeda-credit";
    const notice = document.createElement("b");
    notice.textContent = manifest.notice?.[this.language] ?? "";
    const sources = manifest.attribution.join(" · ");
    this.credit.replaceChildren(notice, manifest.notice && sources ? ` · ${sources}` : sources);
    this.credit.title = this.credit.textContent ?? "";
    if (!this.credit.isConnected) this.root.append(this.credit);
  }

  message(words: string): void {
    const box = document.createElement("div");
    box.className = "lobeda-message";
    box.setAttribute("role", "alert");
    const paragraph = document.createElement("p");
    paragraph.textContent = words;
    box.append(paragraph);
    this.root.append(box);
  }

  dispose(): void {
    this.root.remove();
  }
}
