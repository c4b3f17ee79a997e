import { type PerspectiveCamera, Vector3 } from "three";
import type { Heights } from "./terrain";
import type { Manifest, Marker, MarkerNews } from "./types";

const OVER_GROUND = 5;
const OVER_ROOF = 3;
const NEAR = 700;
const CROWDED_PX = 24;
const ROOMY_PX = 74;
const RANK: Record<string, number> = { alarm: 0, silent: 1, suspect: 2, ok: 3, waiting: 4 };
/** The outline tells the state without its colour: round, rhombus, broken ring, triangle. */
const OUTLINE: Record<string, string> = {
  ok: "M16 3a13 13 0 1 0 0 26a13 13 0 1 0 0-26z",
  waiting: "M16 3a13 13 0 1 0 0 26a13 13 0 1 0 0-26z",
  suspect: "M16 1 31 16 16 31 1 16z",
  silent: "M16 3a13 13 0 1 0 0 26a13 13 0 1 0 0-26z",
  alarm: "M16 1.500 31 29H1z",
};
const GLYPH: Record<string, string> = {
  heat_meter: "M16 8.500c3.500 4 5 6 5 9a5 5 0 0 1-10 0c0-2 1-3.500 2.200-4.800.3 1.600 1 2.300 1.800 2.600 0-2.800.2-4.600 1-6.800z",
  electricity_meter: "M17.500 8 11 17.500h4.500L14.500 24 21 14.500h-4.500z",
  pv_meter: "M10 20.500 12.500 12h9.500l-2.500 8.500zM16 12l-2 8.500M11.300 16.200h9.500",
  weather: "M12.500 21h8a3.200 3.200 0 0 0 .4-6.400 5 5 0 0 0-9.500-.9A3.700 3.700 0 0 0 12.500 21z",
  soil_moisture: "M16 8c3 4 5 6.400 5 9.200a5 5 0 0 1-10 0C11 14.400 13 12 16 8z",
  indoor_climate: "M14.500 16.500V10a1.700 1.700 0 0 1 3.400 0v6.500a3.600 3.600 0 1 1-3.400 0z",
  parking: "M13.500 22.500v-13h3.700a3.600 3.600 0 0 1 0 7.200h-3.700",
  traffic: "M10.500 19.500v-3l1.700-4h7.600l1.700 4v3zM10.500 16.500h11M12.500 19.500v2M19.500 19.500v2",
  air_quality: "M9.500 13.500h8.500a2.300 2.300 0 1 0-2.200-3M9.500 16.500h12M9.500 19.500h9a2.300 2.300 0 1 1-2.200 3",
  tree: "M16 24v-7M16 8a5 5 0 0 0-4.500 7.200A4 4 0 0 0 16 19a4 4 0 0 0 4.500-3.800A5 5 0 0 0 16 8z",
  level: "M10 12q3-2.500 6 0t6 0M10 16.500q3-2.500 6 0t6 0M10 21q3-2.500 6 0t6 0",
};
const OTHER = "M16 12.500a3.500 3.500 0 1 0 0 7a3.500 3.500 0 1 0 0-7z";

const rank = ({ kind, state }: Marker) => (kind === "tree" ? 9 : RANK[state] ?? 8);

interface Placed {
  marker: Marker;
  element: HTMLButtonElement;
  label: HTMLElement;
  place: Vector3;
  shape: SVGPathElement;
}

/** Symbols over the picture as buttons, so that keys and screen readers reach them too. */
export class Markers {
  readonly element = document.createElement("div");
  private placed: Placed[] = [];
  private current = 0;

  constructor(
    private readonly clicked: (id: string) => void,
    private readonly hovered: (id: string | null, x: number, y: number) => void,
  ) {
    this.element.className = "lobeda-markers";
    this.element.setAttribute("role", "group");
    this.element.addEventListener("keydown", this.onKey);
  }

  get count(): number {
    return this.placed.length;
  }

  set(markers: readonly Marker[], manifest: Manifest, heights: Heights): void {
    const rows = new Map(manifest.buildings.id.map((id, row) => [id, row]));
    const [east, north] = manifest.origin;
    this.placed = markers.map((marker, i) => {
      const [x, z] = [marker.xy[0] - east, north - marker.xy[1]];
      const row = marker.building_id === null ? undefined : rows.get(marker.building_id);
      const { centre, base, height } = manifest.buildings;
      const place = row === undefined
        ? new Vector3(x, heights.at(x, z) + OVER_GROUND, z)
        : new Vector3(centre[2 * row]!, base[row]! + height[row]! + OVER_ROOF, centre[2 * row + 1]!);
      return this.make(marker, place, i);
    });
    this.current = 0;
    this.element.replaceChildren(...this.placed.map(({ element }) => element));
    this.rove();
  }

  /** What some of them show now. */
  update(news: MarkerNews): void {
    for (const each of this.placed) {
      const fresh = news[each.marker.id];
      if (!fresh) continue;
      [each.marker.state, each.marker.text, each.marker.colour] = fresh;
      this.dress(each);
      each.element.classList.remove("spoke");
      void each.element.offsetWidth; // so that the pulse starts again
      each.element.classList.add("spoke");
    }
  }

  select(id: string): void {
    for (const { marker, element } of this.placed) element.setAttribute("aria-pressed", String(marker.id === id));
  }

  place(camera: PerspectiveCamera, width: number, height: number, hidden: (place: Vector3) => boolean): void {
    const at = new Vector3();
    const seen = this.placed.map((each) => {
      at.copy(each.place).project(camera);
      const inside = at.z < 1 && Math.abs(at.x) < 1.02 && Math.abs(at.y) < 1.02;
      return { each, inside, x: ((at.x + 1) / 2) * width, y: ((1 - at.y) / 2) * height, away: each.place.distanceTo(camera.position) };
    });
    seen.sort((a, b) => rank(a.each.marker) - rank(b.each.marker) || a.away - b.away);
    const taken: { x: number; y: number; wide: boolean }[] = [];
    seen.forEach(({ each, inside, x, y, away }, order) => {
      const { element } = each;
      element.classList.toggle("out", !inside);
      if (!inside) return;
      const near = away < NEAR;
      const crowded = taken.some((other) => Math.abs(other.x - x) < CROWDED_PX && Math.abs(other.y - y) < CROWDED_PX);
      const roomy = near && !crowded && !taken.some((other) => Math.abs(other.x - x) < ROOMY_PX && Math.abs(other.y - y) < CROWDED_PX);
      taken.push({ x, y, wide: roomy });
      element.classList.toggle("crowded", crowded);
      element.classList.toggle("far", !near);
      element.classList.toggle("behind", hidden(each.place));
      each.label.hidden = !roomy;
      element.style.transform = `translate(-50%, -100%) translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      element.style.zIndex = String(seen.length - order);
    });
  }

  /** Where a symbol is drawn. */
  at(id: string): { x: number; y: number } | null {
    const found = this.placed.find(({ marker, element }) => marker.id === id && !element.classList.contains("out"));
    if (!found) return null;
    const [box, frame] = [found.element.getBoundingClientRect(), this.element.getBoundingClientRect()];
    return { x: box.left + box.width / 2 - frame.left, y: box.top + 14 - frame.top };
  }

  placeOf(id: string): Vector3 | null {
    return this.placed.find(({ marker }) => marker.id === id)?.place.clone() ?? null;
  }

  dispose(): void {
    this.element.remove();
  }

  private make(marker: Marker, place: Vector3, row: number): Placed {
    const element = document.createElement("button");
    element.type = "button";
    element.dataset["id"] = marker.id;
    element.dataset["kind"] = marker.kind;
    element.setAttribute("aria-pressed", "false");
    element.innerHTML = `<svg viewBox="0 0 32 32" aria-hidden="true"><path class="shape"/><path class="glyph" d="${GLYPH[marker.kind] ?? OTHER}"/></svg>`;
    const label = document.createElement("span");
    element.append(label);
    const each: Placed = { marker: { ...marker }, element, label, place, shape: element.querySelector(".shape")! };
    this.dress(each);
    const tell = () => {
      const at = this.at(marker.id);
      this.hovered(marker.id, at?.x ?? 0, at?.y ?? 0);
    };
    element.addEventListener("click", () => {
      this.current = row;
      this.rove();
      this.clicked(marker.id);
    });
    element.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && tell());
    element.addEventListener("focus", () => element.matches(":focus-visible") && tell());
    for (const leaving of ["pointerleave", "blur"]) element.addEventListener(leaving, () => this.hovered(null, 0, 0));
    return each;
  }

  private dress({ marker, element, label, shape }: Placed): void {
    element.dataset["state"] = marker.state;
    element.dataset["colour"] = marker.colour;
    element.setAttribute("aria-label", `${marker.title}: ${marker.text}`);
    shape.setAttribute("d", OUTLINE[marker.state] ?? OUTLINE["ok"]!);
    label.textContent = marker.text;
  }

  /** One stop for the tab key; arrows go from symbol to symbol. */
  private rove(): void {
    this.placed.forEach(({ element }, i) => (element.tabIndex = i === this.current ? 0 : -1));
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !this.placed.length) return;
    event.preventDefault();
    event.stopPropagation();
    for (let tried = 0; tried < this.placed.length; tried++) {
      this.current = (this.current + step + this.placed.length) % this.placed.length;
      if (!this.placed[this.current]!.element.classList.contains("out")) break;
    }
    this.rove();
    this.placed[this.current]!.element.focus();
  };
}
