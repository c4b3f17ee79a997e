import { type PerspectiveCamera, Vector3 } from "three";
import type { Manifest } from "./types";
import type { Heights } from "./terrain";

const RANK: Record<string, number> = { quarter: 0, hospital: 1, shopping: 1, landmark: 1, school: 3, stop: 4, water: 2, green: 3 };
const REACH: Record<number, number> = { 0: 6000, 1: 3000, 2: 2200, 3: 1100, 4: 900 };
const MOST = 14;

interface Label {
  element: HTMLElement;
  place: Vector3;
  rank: number;
  width: number;
  shown: boolean;
}

/** Names of places over the picture, the more important and nearer ones first, never on one another nor cut off. */
export class Labels {
  readonly element = document.createElement("div");
  private readonly labels: Label[];

  constructor(places: Manifest["places"], heights: Heights) {
    this.element.className = "lobeda-labels";
    this.element.setAttribute("aria-hidden", "true");
    this.labels = places
      .filter(({ kind }) => kind !== "land_use" && (RANK[kind] ?? 3) < 5)
      .map(({ name, kind, at: [x, z] }) => {
        const element = document.createElement("span");
        element.textContent = name;
        element.dataset["kind"] = kind;
        element.hidden = true;
        this.element.append(element);
        const rank = RANK[kind] ?? 3;
        const rise = rank === 0 ? 55 : kind === "water" ? 4 : 32;
        return { element, place: new Vector3(x, heights.at(x, z) + rise, z), rank, width: 16 + name.length * (rank === 0 ? 9.5 : 7.2), shown: false };
      });
  }

  update(camera: PerspectiveCamera, width: number, height: number, hidden: (place: Vector3) => boolean, covered: { left: number; right: number }): void {
    const at = new Vector3();
    const found = [];
    for (const label of this.labels) {
      const away = label.place.distanceTo(camera.position);
      at.copy(label.place).project(camera);
      const inside = at.z < 1 && Math.abs(at.x) < 0.96 && at.y < 0.94 && at.y > -0.9;
      if (inside && away < (REACH[label.rank] ?? 1000)) found.push({ label, x: ((at.x + 1) / 2) * width, y: ((1 - at.y) / 2) * height, away });
    }
    found.sort((a, b) => a.label.rank - b.label.rank || a.away - b.away);
    const taken: { x: number; y: number; width: number }[] = [];
    const kept = new Set<Label>();
    for (const { label, x, y } of found) {
      if (x - label.width / 2 < covered.left || x + label.width / 2 > width - covered.right) continue; // cut off
      if (kept.size >= MOST) break;
      if (taken.some((other) => Math.abs(other.x - x) < (other.width + label.width) / 2 && Math.abs(other.y - y) < 26)) continue;
      if (hidden(label.place)) continue;
      taken.push({ x, y, width: label.width });
      kept.add(label);
      label.element.style.transform = `translate(-50%, -100%) translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    }
    for (const label of this.labels) {
      const shown = kept.has(label);
      if (shown !== label.shown) label.element.hidden = !shown;
      label.shown = shown;
    }
  }
}
