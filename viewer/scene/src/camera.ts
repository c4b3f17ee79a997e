import { MathUtils, PerspectiveCamera, Spherical, Vector3 } from "three";
import { MapControls } from "three/examples/jsm/controls/MapControls.js";
import type { Heights } from "./terrain";
import type { CameraState, Padding } from "./types";

const FIELD = 38;
const LOWEST = 1.7;
const FLIGHT_MS = 700;
const TURNS = [0, 0.5, -0.5, 1, -1, 1.6, -1.6, 2.3, -2.3, Math.PI];

const round = (v: Vector3): [number, number, number] => [v.x, v.y, v.z].map((n) => Math.round(n * 100) / 100) as [number, number, number];

/** The camera and its ways to move: mouse, touch, keys, and flights to a place. */
export class Navigator {
  readonly camera = new PerspectiveCamera(FIELD, 1, 1, 20000);
  readonly controls: MapControls;
  private flight: { start: number; from: [Vector3, Vector3]; to: [Vector3, Vector3] } | null = null;
  private heights: Heights | null = null;
  private centres: readonly number[] = [];
  private size = { width: 1, height: 1 };
  private padding: Padding = { left: 0, right: 0, top: 0, bottom: 0 };
  private readonly calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly changed: () => void,
  ) {
    this.controls = new MapControls(this.camera, canvas);
    this.controls.enableDamping = false;
    this.controls.zoomToCursor = true;
    this.controls.maxPolarAngle = MathUtils.degToRad(88);
    this.controls.minDistance = 12;
    this.controls.zoomSpeed = 1.4;
    this.controls.rotateSpeed = 0.6;
    this.controls.addEventListener("change", () => {
      this.followGround();
      this.changed();
    });
    this.controls.addEventListener("start", () => (this.flight = null));
    canvas.addEventListener("keydown", this.onKey);
  }

  /** Take the ground and the places of the buildings (x, z in turn) for the overview. */
  frame(heights: Heights, centres: readonly number[]): void {
    this.heights = heights;
    this.centres = centres;
    this.set(this.findOverview());
  }

  /** The picture's size and what of it is covered. [px] */
  fit(width: number, height: number, padding: Padding): void {
    this.size = { width, height };
    this.padding = padding;
    this.camera.aspect = width / height;
    const { left, right, top, bottom } = padding;
    this.camera.setViewOffset(width, height, (right - left) / 2, (bottom - top) / 2, width, height);
    this.camera.updateProjectionMatrix();
  }

  private findOverview(): CameraState {
    const heights = this.heights!;
    const { centres } = this;
    const free = {
      width: Math.max(this.size.width - this.padding.left - this.padding.right, 80),
      height: Math.max(this.size.height - this.padding.top - this.padding.bottom, 80),
    };
    const xs = centres.filter((_, i) => i % 2 === 0).sort((a, b) => a - b);
    const zs = centres.filter((_, i) => i % 2 === 1).sort((a, b) => a - b);
    const part = (sorted: number[], share: number) => sorted[Math.round((sorted.length - 1) * share)]!;
    const upright = free.width < 0.8 * free.height;
    const out = upright ? 0.28 : 0.04;
    const [west, east, north, south] = [part(xs, out), part(xs, 1 - out), part(zs, out), part(zs, 1 - out)];
    const x = (west + east) / 2;
    const z = (north + south) / 2;
    const target = new Vector3(x, heights.at(x, z), z);
    const half = Math.tan(MathUtils.degToRad(FIELD / 2));
    const wide = Math.max(east - west, 120) / 2 / (half * Math.min(free.width / this.size.height, 2));
    const deep = ((Math.max(south - north, 120) / 2) * 0.8) / (half * (free.height / this.size.height));
    const distance = Math.max(wide, deep) * 1.05 + 80;
    const offset = new Vector3().setFromSpherical(new Spherical(distance, MathUtils.degToRad(upright ? 50 : 65), MathUtils.degToRad(22)));
    const reach = Math.max(heights.extent[2] - heights.extent[0], heights.extent[3] - heights.extent[1]);
    this.controls.maxDistance = Math.max(reach * 1.6, distance * 1.5);
    return { position: round(target.clone().add(offset)), target: round(target) };
  }

  get state(): CameraState {
    return { position: round(this.camera.position), target: round(this.controls.target) };
  }

  set(state: Partial<CameraState> | null): void {
    if (!this.heights) return;
    const chosen = state ?? this.findOverview();
    this.flight = null;
    if (chosen.target) this.controls.target.set(...chosen.target);
    if (chosen.position) this.camera.position.set(...chosen.position);
    this.controls.update();
    this.followGround();
    this.changed();
  }

  home(): void {
    if (!this.heights) return;
    const { position, target } = this.findOverview();
    this.fly(new Vector3(...position), new Vector3(...target));
  }

  /**
   * Look at a place of this size from the camera's direction, or from the nearest one from which enough of it
   * is seen; `seen` gives the share seen from a point.
   */
  lookAt(x: number, z: number, size: number, height: number, seen: (from: Vector3) => number): void {
    const target = new Vector3(x, (this.heights?.at(x, z) ?? 0) + height / 2, z);
    const way = new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
    const narrow = Math.min(1, this.camera.aspect);
    way.radius = Math.max(90, ((size + 2 * height) * 1.25) / (Math.tan(MathUtils.degToRad(FIELD / 2)) * narrow));
    way.phi = MathUtils.clamp(way.phi, 0.6, 1.12);
    const theta = way.theta;
    let best = { share: -1, from: new Vector3() };
    for (const turn of TURNS) {
      way.theta = theta + turn;
      const from = target.clone().add(new Vector3().setFromSpherical(way));
      const share = seen(from);
      if (share > best.share + 0.2) best = { share, from };
      if (share > 0.75) break;
    }
    this.fly(best.from, target);
  }

  zoom(factor: number): void {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const length = MathUtils.clamp(offset.length() * factor, this.controls.minDistance, this.controls.maxDistance);
    this.fly(this.controls.target.clone().add(offset.setLength(length)), this.controls.target.clone(), 250);
  }

  /** Turn so that north is up. */
  north(): void {
    const way = new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
    way.theta = 0;
    this.fly(this.controls.target.clone().add(new Vector3().setFromSpherical(way)), this.controls.target.clone(), 400);
  }

  /** From above, or back to oblique. */
  tilt(): void {
    const way = new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
    way.phi = way.phi < 0.25 ? 0.98 : 0.02;
    this.fly(this.controls.target.clone().add(new Vector3().setFromSpherical(way)), this.controls.target.clone(), 500);
  }

  /** Clockwise from north. [rad] */
  get heading(): number {
    return -this.controls.getAzimuthalAngle();
  }

  get flying(): boolean {
    return this.flight !== null;
  }

  /** One step of a flight; called before each picture. */
  step(now: number): void {
    if (!this.flight) return;
    const { start, from, to } = this.flight;
    const share = MathUtils.clamp((now - start) / FLIGHT_MS, 0, 1);
    const eased = share * share * (3 - 2 * share);
    this.camera.position.lerpVectors(from[0], to[0], eased);
    this.controls.target.lerpVectors(from[1], to[1], eased);
    if (share >= 1) this.flight = null;
    this.controls.update();
    this.followGround();
  }

  /** Near and far planes that fit where the camera is. */
  clip(reach: number): void {
    const above = this.camera.position.y - (this.heights?.at(this.camera.position.x, this.camera.position.z) ?? 0);
    this.camera.near = MathUtils.clamp(above * 0.12, 0.5, 60);
    this.camera.far = reach * 12;
    this.camera.updateProjectionMatrix();
  }

  dispose(): void {
    this.canvas.removeEventListener("keydown", this.onKey);
    this.controls.dispose();
  }

  private fly(position: Vector3, target: Vector3, ms = FLIGHT_MS): void {
    if (this.calm) {
      this.set({ position: round(position), target: round(target) });
      return;
    }
    const from: [Vector3, Vector3] = [this.camera.position.clone(), this.controls.target.clone()];
    this.flight = { start: performance.now() - (FLIGHT_MS - ms), from, to: [position, target] };
    if (ms < FLIGHT_MS) {
      const done = (FLIGHT_MS - ms) / FLIGHT_MS;
      const eased = done * done * (3 - 2 * done);
      const before = (a: Vector3, b: Vector3) => a.clone().addScaledVector(b, -eased).divideScalar(1 - eased);
      this.flight.from = [before(from[0], position), before(from[1], target)];
    }
    this.changed();
  }

  /** The point looked at stays on the ground, and the camera above it. */
  private followGround(): void {
    if (!this.heights) return;
    const { target } = this.controls;
    const ground = this.heights.at(target.x, target.z);
    const floor = this.heights.at(this.camera.position.x, this.camera.position.z) + LOWEST;
    const lift = target.y < ground ? ground - target.y : 0;
    if (lift) {
      target.y += lift;
      this.camera.position.y += lift;
    }
    if (this.camera.position.y < floor) this.camera.position.y = floor;
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const step = steps[event.key];
    if (step && event.shiftKey) this.turn(step[0] * -0.12, step[1] * -0.08);
    else if (step) this.pan(step[0], step[1]);
    else if (event.key === "+" || event.key === "=") this.zoom(0.8);
    else if (event.key === "-" || event.key === "_") this.zoom(1.25);
    else if (event.key === "Home") this.home();
    else return;
    event.preventDefault();
  };

  private turn(aside: number, down: number): void {
    const way = new Spherical().setFromVector3(this.camera.position.clone().sub(this.controls.target));
    way.theta += aside;
    way.phi = MathUtils.clamp(way.phi + down, 0.02, this.controls.maxPolarAngle);
    const position = this.controls.target.clone().add(new Vector3().setFromSpherical(way));
    this.set({ position: round(position) });
  }

  private pan(right: number, ahead: number): void {
    const offset = this.camera.position.clone().sub(this.controls.target);
    const step = offset.length() * 0.08;
    const angle = this.controls.getAzimuthalAngle();
    const move = new Vector3(right * Math.cos(angle) - ahead * Math.sin(angle), 0, -right * Math.sin(angle) - ahead * Math.cos(angle));
    move.multiplyScalar(step);
    const target = this.controls.target.clone().add(move);
    this.set({ target: round(target), position: round(this.camera.position.clone().add(move)) });
  }
}
