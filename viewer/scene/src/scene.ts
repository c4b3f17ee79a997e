import {
  Color, FogExp2, Mesh, type MeshLambertMaterial, PCFShadowMap, Scene, type Texture, Vector2, Vector3, WebGLRenderer,
} from "three";
import { ACCENT, Buildings } from "./buildings";
import { Navigator } from "./camera";
import { Divider } from "./divider";
import { Labels } from "./labels";
import { Light } from "./light";
import { tracks } from "./lines";
import { fetchBuffer, fetchImage, fetchManifest, parseBuildings, parseHeights } from "./load";
import { Markers } from "./markers";
import { Outline } from "./outline";
import { Overlay } from "./overlay";
import { Picker } from "./pick";
import { Pipes } from "./pipes";
import { Sky, weather } from "./sky";
import { Sketch } from "./sketch";
import { sunPosition, towards } from "./sun";
import { groundGeometry, groundMaterial, type GroundUniforms, Heights, imageTexture, rasterTexture } from "./terrain";
import { text } from "./texts";
import { Trees } from "./trees";
import { WallColours } from "./walls";
import type {
  CameraState, Compare, CompareMode, Events, Handle, Language, Layers, Manifest, Marker, MarkerNews, Options, Padding, PaletteOptions,
  Picked, Place, Raster, Selection, Shape, Stats, Walls,
} from "./types";

const BRIGHT_DAY = { azimuth: 232, elevation: 36 };
const IDLE_MS = 220;
/** In software the fine picture takes the processor for a second or two, which what people do next should find free. */
const IDLE_IN_SOFTWARE_MS = 1500;
const SLOW_MS = 70;
const DRAFT = 0.6;
const FINE_IN_SOFTWARE = 1.4;
const CLICK_PX = 6;

/** Draw the scene of a manifest into an element. Everything may be set before it is there. */
export function createScene(element: HTMLElement, options: Options): Handle {
  return new View(element, options);
}

/** What exists once the files are loaded. */
interface World {
  manifest: Manifest;
  heights: Heights;
  buildings: Buildings;
  trees: Trees | null;
  outline: Outline;
  picker: Picker;
  labels: Labels;
  ground: Mesh;
  groundUniforms: GroundUniforms;
  textures: Partial<Record<"map" | "image" | "masks", Texture>>;
  tracks: Mesh | null;
  pipes: Pipes | null;
  sketch: Sketch;
  walls: WallColours;
  reach: number;
}

class View implements Handle {
  readonly ready: Promise<void>;
  private world: World | null = null;
  private readonly overlay: Overlay;
  private renderer: WebGLRenderer | null = null;
  private readonly scene = new Scene();
  private readonly canvas = document.createElement("canvas");
  private navigator: Navigator | null = null;
  private light: Light | null = null;
  private readonly sky = new Sky();
  private readonly markers = new Markers(
    (id) => this.emit("marker", id),
    (id, x, y) => this.emit("markerHover", id, x, y),
  );
  private readonly listeners = new Map<keyof Events, Set<(...args: never[]) => void>>();
  private readonly abort = new AbortController();
  private readonly later: (() => void)[] = [];
  private readonly observers: { disconnect(): void }[] = [];
  private readonly layers: Layers = { trees: true, image: true, shadows: true, labels: true, markers: true };
  private readonly coarse = matchMedia("(pointer: coarse)").matches;
  private language: Language;
  private sunTime: string | null = null;
  private selection: { building: number | null; block: number | null; list: readonly number[] | null } = { building: null, block: null, list: null };
  private readonly padding: Padding = { left: 0, right: 0, top: 0, bottom: 0 };
  private hovered: number | null = null;
  private hoveredLine: number | null = null;
  private pointer: { x: number; y: number } | null = null;
  private pressed: { x: number; y: number } | null = null;
  private scheduled = 0;
  private idle = 0;
  private moving = false;
  /** Whether the picture is a quick one, to be followed by a fine one. */
  private draft = false;
  private dirtyShadows = true;
  private dirtyTrees = true;
  private software = false;
  private tooSlowForShadows = false;
  private slowPictures = 0;
  private visible = true;
  private disposed = false;
  private lastFrameAt = 0;
  private pace = 16;
  private lastFrameMs = 0;
  private frames = 0;
  private compass = NaN;
  private readonly divider: Divider;
  private readonly cross = document.createElement("div");
  /** Names of places again, for the right one of two pictures. */
  private readonly namesRight = document.createElement("div");
  private mode: CompareMode = "none";
  private placing = false;
  private playing = false;
  private rate = 2;
  private playedAt = 0;

  constructor(private readonly element: HTMLElement, private readonly options: Options) {
    this.language = options.language === "en" ? "en" : "de";
    Object.assign(this.layers, options.layers);
    Object.assign(this.padding, options.padding);
    this.overlay = new Overlay(element, this.language);
    this.divider = new Divider(this.language, (share) => {
      this.whenLoaded(() => undefined);
      this.emit("compare", share);
    });
    element.dataset["ready"] = "false";
    this.ready = this.start();
    this.ready.catch((error: unknown) => this.fail(error));
  }

  get manifest(): Manifest | null {
    return this.world?.manifest ?? null;
  }

  setValues(values: ArrayLike<number> | null, frames = 1): void {
    this.whenLoaded(({ buildings, groundUniforms }) => {
      buildings.values.set(values, frames);
      groundUniforms.uQuiet.value = values === null ? 0 : 1;
    });
  }

  setFrame(frame: number): void {
    this.whenLoaded(({ buildings }) => {
      buildings.values.show(frame);
      buildings.left.show(frame);
    });
  }

  setPlaying(on: boolean, framesPerSecond = 2): void {
    this.whenLoaded((world) => {
      this.rate = framesPerSecond;
      if (on && matchMedia("(prefers-reduced-motion: reduce)").matches) {
        this.stepFrames(world, 1);
        this.emit("playing", false);
        return;
      }
      if (on === this.playing) return;
      this.playing = on;
      this.playedAt = 0;
      this.emit("playing", on);
    });
  }

  /** Go on by some frames, in a circle; the last one stays until the first comes. */
  private stepFrames(world: World, by: number): void {
    const { values, left } = world.buildings;
    const count = Math.max(values.count, left.count);
    const before = Math.floor(values.at);
    const now = Number.isInteger(by) ? before + by : values.at + by;
    values.show(now >= count ? now % count : now);
    left.show(values.at);
    if (Math.floor(values.at) !== before) this.emit("frame", Math.floor(values.at));
  }

  setCompare({ mode, a, b, share, labels }: Compare): void {
    this.whenLoaded(({ buildings, groundUniforms }) => {
      const framesOf = (values: ArrayLike<number>) => values.length / Math.max(this.world!.manifest.buildings.id.length, 1);
      if (a !== undefined) buildings.left.set(a, a ? framesOf(a) : 1);
      if (b !== undefined) buildings.values.set(b, b ? framesOf(b) : 1);
      buildings.left.show(buildings.values.at);
      if (a || b) groundUniforms.uQuiet.value = 1;
      this.divider.show(mode, share, labels);
      if (mode === this.mode) return;
      const resized = mode === "split" || this.mode === "split";
      this.mode = mode;
      this.navigator!.controls.zoomToCursor = mode !== "split";
      const right = mode === "split" ? "50%" : "";
      for (const part of [this.markers.element, this.world!.labels.element]) part.style.right = right;
      this.namesRight.hidden = mode !== "split";
      if (resized) this.resize();
    });
  }

  setRaster(raster: Raster | null): void {
    this.whenLoaded(({ groundUniforms, manifest, textures }) => {
      const { uRaster, uRasterArea } = groundUniforms;
      if (uRaster.value !== textures.masks) uRaster.value.dispose();
      uRaster.value = raster ? rasterTexture(raster) : textures.masks!;
      const [west, south, east, north] = raster?.bounds ?? [0, 0, 0, 0];
      uRasterArea.value = [west - manifest.origin[0], manifest.origin[1] - north, east - west, north - south];
    });
  }

  setWalls(walls: Walls | null): void {
    this.whenLoaded((world) => world.walls.set(walls));
  }

  setShapes(name: string, shapes: readonly Shape[] | null): void {
    this.whenLoaded(({ sketch }) => sketch.set(name, shapes));
  }

  setTool(on: boolean): void {
    this.placing = on;
    this.overlay.root.classList.toggle("placing", on);
    if (on) this.changeHover(this.pick(-1e4, -1e4));
  }

  place(x: number, y: number): Place | null {
    const { world, navigator } = this;
    if (!world || !navigator) return null;
    const { building, point, normal } = world.picker.hit(this.toNdc(x, y), navigator.camera);
    if (!point) return null;
    const [east, north, height] = world.manifest.origin;
    return {
      east: point.x + east, north: north - point.z, height: point.y + height, ground: world.heights.at(point.x, point.z) + height,
      building, building_id: building === null ? null : world.manifest.buildings.id[building]!,
      normal: normal && [normal.x, -normal.z, normal.y],
    };
  }

  projectPlace(place: readonly [number, number, number]): { x: number; y: number } | null {
    if (!this.world || !this.navigator) return null;
    const [east, north, height] = this.world.manifest.origin;
    const point = new Vector3(place[0] - east, place[2] - height, north - place[1]);
    if (Number.isNaN(place[2])) point.y = this.world.heights.at(point.x, point.z);
    point.project(this.navigator.camera);
    return point.z < 1 ? this.toPixels(point) : null;
  }

  within(polygon: readonly (readonly [number, number])[]): number[] {
    const { world, navigator } = this;
    if (!world || !navigator || polygon.length < 3) return [];
    const found: number[] = [];
    for (let row = 0; row < world.manifest.buildings.id.length; row++) {
      const point = this.roof(world, row, 0.5).project(navigator.camera);
      const { x, y } = this.toPixels(point);
      if (point.z < 1 && holds(polygon, x, y)) found.push(row);
    }
    return found;
  }

  capture(): HTMLCanvasElement {
    const copy = document.createElement("canvas");
    if (!this.world || !this.renderer) return copy;
    this.moving = this.draft = false;
    this.draw();
    copy.width = this.canvas.width;
    copy.height = this.canvas.height;
    const pen = copy.getContext("2d")!;
    pen.drawImage(this.canvas, 0, 0);
    this.divider.draw(pen, copy.width, copy.height);
    return copy;
  }

  setPalette(colours: readonly string[], min: number, max: number, options: PaletteOptions = {}): void {
    this.whenLoaded(({ buildings }) => buildings.values.paint(colours, min, max, options));
  }

  setLines(points: ArrayLike<number> | null, widths: ArrayLike<number>): void {
    this.whenLoaded((world) => {
      if (world.pipes) {
        this.scene.remove(world.pipes.group);
        world.pipes.dispose();
        world.pipes = null;
      }
      if (!points?.length) return;
      const [east, north] = world.manifest.origin;
      const local = Array.from(points, (value, i) => (i % 2 ? north - value : value - east));
      world.pipes = new Pipes(local, widths, world.heights, world.buildings.values);
      this.scene.add(world.pipes.group);
    });
  }

  setLineValues(values: ArrayLike<number> | null): void {
    this.whenLoaded((world) => world.pipes?.set(values));
  }

  setMarkers(markers: readonly Marker[]): void {
    this.whenLoaded(({ manifest, heights }) => this.markers.set(markers, manifest, heights));
  }

  updateMarkers(news: MarkerNews): void {
    // No new picture: symbols lie over it.
    if (this.world) this.markers.update(news);
  }

  selectMarker(id: string): void {
    this.whenLoaded((world) => {
      this.markers.select(id);
      const place = id ? this.markers.placeOf(id) : null;
      if (place && !this.markers.at(id)) this.navigator!.lookAt(place.x, place.z, 60, Math.max(0, place.y - world.heights.at(place.x, place.z)), () => 1);
    });
  }

  setSelection(selection: Selection | readonly number[] | null): void {
    const chosen: Selection = selection === null ? {} : isList(selection) ? { buildings: selection } : selection;
    const list = chosen.buildings?.length ? chosen.buildings : null;
    this.selection = { building: chosen.building ?? null, block: chosen.block ?? null, list };
    this.whenLoaded((world) => {
      if (list) world.buildings.list(list);
      this.mark(world);
      world.outline.show(this.selectedRows(world));
    });
  }

  setHover(building: number | null): void {
    if (building === this.hovered) return;
    this.hovered = building;
    this.whenLoaded((world) => this.mark(world));
  }

  setSun(sun: string | { time: string } | null): void {
    const time = sun === null ? null : typeof sun === "string" ? sun : sun.time;
    if (time !== null && Number.isNaN(Date.parse(time))) throw new Error(`${time} is no ISO time`);
    this.sunTime = time;
    this.whenLoaded((world) => this.shine(world));
  }

  setLayers(layers: Partial<Layers>): void {
    Object.assign(this.layers, layers);
    if (layers.shadows) this.tooSlowForShadows = false;
    this.whenLoaded((world) => this.applyLayers(world));
  }

  setLanguage(language: Language): void {
    this.language = language;
    this.overlay.setLanguage(language);
    this.divider.setLanguage(language);
    this.canvas.setAttribute("aria-label", this.options.label ?? text(language, "scene"));
    this.whenLoaded(({ manifest }) => {
      if (this.options.attribution !== false) this.overlay.showCredit(manifest);
    });
  }

  setCamera(state: Partial<CameraState> | null): void {
    this.whenLoaded(() => this.navigator!.set(state));
  }

  getCamera(): CameraState {
    return this.navigator?.state ?? { position: [0, 0, 0], target: [0, 0, 0] };
  }

  setPadding(padding: Partial<Padding>): void {
    Object.assign(this.padding, padding);
    this.resize();
  }

  flyTo(place: number | Selection): void {
    this.whenLoaded((world) => {
      const rows = typeof place === "number" ? [place] : this.rowsOf(world, place.building ?? null, place.block ?? null, place.buildings ?? null);
      if (!rows.length) return;
      const { centre, height } = world.manifest.buildings;
      const xs = rows.map((row) => centre[2 * row]!);
      const zs = rows.map((row) => centre[2 * row + 1]!);
      const [west, east, north, south] = [Math.min(...xs), Math.max(...xs), Math.min(...zs), Math.max(...zs)];
      const tallest = Math.max(...rows.map((row) => height[row]!));
      const tops = rows.map((row) => this.roof(world, row, 0.6));
      const wanted = new Set(rows);
      const seen = (from: Vector3) => tops.reduce((sum, top) => sum + (wanted.has(world.picker.towards(from, top) ?? -1) ? 1 : 0), 0) / tops.length;
      this.navigator!.lookAt((west + east) / 2, (north + south) / 2, Math.hypot(east - west, south - north) + 30, tallest, seen);
    });
  }

  focus(building: number): void {
    this.flyTo(building);
  }

  pick(x: number, y: number): Picked {
    const world = this.world;
    const line = this.lineAt(x, y);
    const row = world && this.navigator && line === null ? world.picker.at(this.toNdc(x, y), this.navigator.camera) : null;
    const block = row === null ? -1 : world!.manifest.buildings.block[row]!;
    return {
      building: row,
      building_id: row === null ? null : world!.manifest.buildings.id[row]!,
      label: row === null ? null : world!.manifest.buildings.label[row]!,
      block: block < 0 ? null : block,
      block_id: block < 0 ? null : world!.manifest.blocks.id[block]!,
      block_name: block < 0 ? null : world!.manifest.blocks.name[block]!,
      line,
      x,
      y,
    };
  }

  projectLine(line: number): { x: number; y: number } | null {
    const point = this.world?.pipes?.middle(line)?.project(this.navigator!.camera);
    return point ? this.toPixels(point) : null;
  }

  /** The line at a point of the picture, unless a building or the ground stands before it. */
  private lineAt(x: number, y: number): number | null {
    const { world, navigator } = this;
    if (!world || !navigator) return null;
    const found = world.pipes?.at(x % this.width, y, navigator.camera, this.width, this.canvas.clientHeight);
    if (!found) return null;
    found.place.y += 1;
    return world.picker.towards(navigator.camera.position, found.place, true) === null ? found.line : null;
  }

  project(building: number): { x: number; y: number; visible: boolean } {
    const world = this.world;
    if (!world || !this.navigator) return { x: 0, y: 0, visible: false };
    const point = this.roof(world, building, 1).project(this.navigator.camera);
    const { x, y } = this.toPixels(point);
    return { x, y, visible: Math.abs(point.x) < 1 && Math.abs(point.y) < 1 && point.z < 1 && this.pick(x, y).building === building };
  }

  /** The middle of a building at this share of its height. */
  private roof(world: World, row: number, share: number): Vector3 {
    const { centre, base, height } = world.manifest.buildings;
    return new Vector3(centre[2 * row]!, base[row]! + height[row]! * share, centre[2 * row + 1]!);
  }

  on<K extends keyof Events>(event: K, callback: Events[K]): () => void {
    const set = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, set);
    set.add(callback as (...args: never[]) => void);
    if (event === "ready" && this.element.dataset["ready"] === "true") (callback as () => void)();
    return () => set.delete(callback as (...args: never[]) => void);
  }

  stats(): Stats {
    const info = this.renderer?.info;
    return {
      ready: this.element.dataset["ready"] === "true",
      drawCalls: info?.render.calls ?? 0,
      triangles: info?.render.triangles ?? 0,
      lastFrameMs: this.lastFrameMs,
      frames: this.frames,
      shadows: this.shadowsShown(),
      textures: info?.memory.textures ?? 0,
      geometries: info?.memory.geometries ?? 0,
      buildings: this.world?.manifest.buildings.id.length ?? 0,
    };
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.abort.abort();
    cancelAnimationFrame(this.scheduled);
    clearTimeout(this.idle);
    for (const observer of this.observers) observer.disconnect();
    document.removeEventListener("visibilitychange", this.onVisible);
    this.navigator?.dispose();
    this.disposeWorld();
    this.sky.dispose();
    this.light?.dispose();
    this.renderer?.dispose();
    this.renderer?.forceContextLoss();
    this.listeners.clear();
    this.markers.dispose();
    this.overlay.dispose();
    delete this.element.dataset["ready"];
  }

  private async start(): Promise<void> {
    this.openRenderer();
    const world = await this.load();
    if (this.disposed) return;
    this.world = world;
    this.navigator!.frame(world.heights, world.manifest.buildings.centre);
    this.shine(world);
    this.applyLayers(world);
    this.overlay.setLanguage(this.language);
    if (this.options.attribution !== false) this.overlay.showCredit(world.manifest);
    for (const task of this.later.splice(0)) task();
    clearTimeout(this.idle);
    this.moving = this.draft = false;
    await new Promise<void>((resolve) => {
      this.afterPicture = resolve;
      this.draw();
    });
    if (this.disposed) return;
    this.element.dataset["ready"] = "true";
    this.emit("ready");
  }

  private afterPicture: (() => void) | null = null;

  private openRenderer(): void {
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "application");
    this.canvas.setAttribute("aria-label", this.options.label ?? text(this.language, "scene"));
    this.overlay.root.append(this.canvas);
    const renderer = this.newRenderer();
    renderer.shadowMap.enabled = true;
    renderer.shadowMap.type = PCFShadowMap;
    renderer.info.autoReset = false;
    this.renderer = renderer;
    this.light = new Light(this.software || renderer.capabilities.maxTextureSize < 8192 ? 2048 : this.coarse ? 1024 : 4096);
    this.scene.add(this.sky.mesh, this.light.sun, this.light.sun.target, this.light.sky);
    this.scene.fog = new FogExp2(0xdfe8ec, 1e-4);
    this.navigator = new Navigator(this.canvas, () => this.onMove());
    if (this.options.controls !== false) this.overlay.addTools(this.navigator);
    this.listen();
    this.resize();
  }

  /** With a graphics card, or else in software: then drafts while things move, and a finer picture at rest. */
  private newRenderer(): WebGLRenderer {
    this.software = drawsInSoftware();
    try {
      const wish = { powerPreference: "high-performance", alpha: false, antialias: !this.software } as const;
      const context = this.canvas.getContext("webgl2", wish) as WebGL2RenderingContext | null;
      if (!context) throw new MissingWebGL();
      return new WebGLRenderer({ canvas: this.canvas, context });
    } catch {
      throw new MissingWebGL();
    }
  }

  private async load(): Promise<World> {
    const { signal } = this.abort;
    const address = new URL(this.options.manifest, document.baseURI);
    const manifest = await fetchManifest(address.href, signal);
    const at = (name: string) => new URL(name, address).href;
    const { files, terrain } = manifest;
    const [meshBytes, heightBytes, masks, treeBytes] = await Promise.all([
      fetchBuffer(at(files.buildings), signal),
      fetchBuffer(at(files.terrain), signal),
      fetchImage(at(files.masks), signal),
      files.trees ? fetchBuffer(at(files.trees), signal) : null,
    ]);
    const heights = new Heights(parseHeights(heightBytes, terrain.size, terrain.step_m, terrain.lowest_m), terrain.size, manifest.extent);
    const mesh = parseBuildings(meshBytes);
    const count = manifest.buildings.id.length;
    const [west, south, east, north] = manifest.extent;
    const masksTexture = imageTexture(masks, 1, false);
    const groundUniforms: GroundUniforms = {
      uGround: { value: masksTexture },
      uMasks: { value: masksTexture },
      uArea: { value: [west, -north, east - west, north - south] },
      uQuiet: { value: 0 },
      uBeyond: { value: new Color("#a7ab95") },
      uWater: { value: new Color("#6d98ab") },
      uRaster: { value: masksTexture },
      uRasterArea: { value: [0, 0, 0, 0] },
    };
    const world: World = {
      manifest, heights, groundUniforms,
      buildings: new Buildings(mesh, manifest),
      trees: treeBytes ? new Trees(new Uint16Array(treeBytes), heights) : null,
      outline: new Outline(mesh, count, ACCENT, 3),
      picker: new Picker(mesh, count, heights),
      labels: new Labels(manifest.places, heights),
      ground: new Mesh(groundGeometry(heights, this.coarse || this.software ? 0.7 : 0.4), groundMaterial(groundUniforms)),
      textures: { masks: masksTexture },
      tracks: manifest.lines.length ? tracks(manifest.lines, heights) : null,
      pipes: null,
      sketch: new Sketch(heights, manifest.origin),
      walls: new WallColours(manifest.origin),
      reach: Math.hypot(east - west, north - south),
    };
    world.ground.receiveShadow = true;
    world.ground.renderOrder = 2;
    this.scene.add(world.ground, world.buildings.group, world.outline.group, world.sketch.group, world.walls.group);
    if (world.trees) this.scene.add(world.trees.group);
    if (world.tracks) this.scene.add(world.tracks);
    this.overlay.root.insertBefore(world.labels.element, this.canvas.nextSibling);
    this.overlay.root.insertBefore(this.markers.element, world.labels.element.nextSibling);
    this.namesRight.className = "lobeda-labels";
    this.namesRight.setAttribute("aria-hidden", "true");
    this.namesRight.style.left = "50%";
    this.namesRight.hidden = true;
    this.cross.className = "lobeda-cross";
    this.overlay.root.append(this.namesRight, this.divider.element, this.cross);
    await this.showGround(world);
    return world;
  }

  /** The photo, or the drawn map where there is none or it is switched off. */
  private async showGround(world: World): Promise<void> {
    const { files } = world.manifest;
    const small = this.coarse || this.software || this.renderer!.capabilities.maxTextureSize < 4096;
    const photo = this.layers.image ? (small ? files.image_small : files.image) : null;
    const kind = photo ? "image" : "map";
    if (!world.textures[kind]) {
      const address = new URL(photo ?? files.map, new URL(this.options.manifest, document.baseURI)).href;
      const image = await fetchImage(address, this.abort.signal);
      const anisotropy = this.software ? 1 : Math.min(8, this.renderer!.capabilities.getMaxAnisotropy());
      world.textures[kind] = imageTexture(image, anisotropy);
    }
    if (this.disposed) return;
    if ((this.layers.image && Boolean(files.image)) === (kind === "image")) {
      world.groundUniforms.uGround.value = world.textures[kind]!;
      world.groundUniforms.uBeyond.value.setStyle(world.manifest.beyond[kind]);
    }
    this.invalidate();
  }

  private applyLayers(world: World): void {
    if (world.trees) world.trees.group.visible = this.layers.trees;
    for (const names of [world.labels.element, this.namesRight]) names.style.display = this.layers.labels ? "" : "none";
    this.markers.element.hidden = !this.layers.markers;
    this.showShadows();
    this.dirtyShadows = true;
    void this.showGround(world).catch((error: unknown) => this.emit("error", error as Error));
  }

  private shadowsShown(): boolean {
    return this.layers.shadows && !this.tooSlowForShadows && Boolean(this.light?.strong);
  }

  private showShadows(): void {
    this.light!.sun.castShadow = this.shadowsShown();
  }

  private shine(world: World): void {
    const { lat, lon, convergence_deg } = world.manifest;
    const place = this.sunTime === null ? BRIGHT_DAY : sunPosition(new Date(this.sunTime), lat, lon);
    const now = weather(place.elevation);
    const direction = towards(place.azimuth, place.elevation, convergence_deg);
    this.light!.set(direction, now);
    this.sky.set(now, direction);
    (this.scene.fog as FogExp2).color.copy(now.horizon);
    world.buildings.uniforms.uNight.value = now.night;
    world.buildings.uniforms.uSkyTint.value.copy(now.horizon).lerp(now.zenith, 0.35);
    this.showShadows();
    this.dirtyShadows = true;
  }

  private mark(world: World): void {
    const { building, block, list } = this.selection;
    world.buildings.mark(this.hovered, building, block, list);
    this.canvas.classList.toggle("over", this.hovered !== null || this.hoveredLine !== null);
  }

  private selectedRows(world: World): number[] {
    return this.rowsOf(world, this.selection.building, this.selection.block, this.selection.list);
  }

  private rowsOf(world: World, building: number | null, block: number | null, list: readonly number[] | null): number[] {
    const rows = new Set<number>(list ?? []);
    if (building !== null && building >= 0) rows.add(building);
    if (block !== null && block >= 0) world.manifest.buildings.block.forEach((b, row) => b === block && rows.add(row));
    return [...rows];
  }

  private whenLoaded(task: (world: World) => void): void {
    if (this.disposed) return;
    if (!this.world) {
      this.later.push(() => task(this.world!));
      return;
    }
    task(this.world);
    this.invalidate();
  }

  private listen(): void {
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.overlay.root);
    const seen = new IntersectionObserver((entries) => {
      this.visible = entries.at(-1)!.isIntersecting;
      if (this.visible) this.invalidate();
    });
    seen.observe(this.overlay.root);
    this.observers.push(observer, seen);
    document.addEventListener("visibilitychange", this.onVisible);
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      if (this.placing) return;
      this.pointer = { x: event.offsetX, y: event.offsetY };
      this.schedule();
    });
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.changeHover(this.pick(-1e4, -1e4));
    });
    canvas.addEventListener("pointerdown", (event) => (this.pressed = event.isPrimary ? { x: event.clientX, y: event.clientY } : null));
    canvas.addEventListener("click", (event) => {
      const start = this.pressed;
      if (start && Math.hypot(event.clientX - start.x, event.clientY - start.y) > CLICK_PX) return;
      if (this.placing) return this.emit("place", this.place(event.offsetX, event.offsetY));
      const picked = this.pick(event.offsetX, event.offsetY);
      this.emit("click", picked.building, picked);
    });
    canvas.addEventListener("dblclick", (event) => {
      if (this.placing) return;
      const { building } = this.pick(event.offsetX, event.offsetY);
      if (building !== null) this.flyTo(building);
    });
    canvas.addEventListener("keydown", (event) => {
      if (this.placing && event.key === "Enter") this.emit("place", this.place(this.width / 2, canvas.clientHeight / 2));
      if (this.placing || event.key !== "Escape") return;
      this.setSelection(null);
      this.emit("click", null, this.pick(-1, -1));
    });
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => {
      this.dirtyShadows = true;
      this.invalidate();
    });
  }

  private readonly onVisible = (): void => {
    if (!document.hidden) this.invalidate();
  };

  private onMove(): void {
    this.dirtyTrees = this.dirtyShadows = true;
    this.moving = true;
    this.invalidate();
    this.waitForRest();
  }

  private waitForRest(): void {
    clearTimeout(this.idle);
    this.idle = window.setTimeout(() => this.settle(), this.software && !this.moving ? IDLE_IN_SOFTWARE_MS : IDLE_MS);
  }

  /** Nothing changed for a while: the best picture, with the shadows of what is now in view. */
  private settle(): void {
    const moved = this.moving;
    this.moving = this.draft = false;
    this.dirty = true;
    this.schedule();
    if (moved && this.world) this.emit("camera", this.getCamera());
  }

  private get slow(): boolean {
    return this.software || this.pace > SLOW_MS;
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.overlay.root;
    if (!this.renderer || !clientWidth || !clientHeight) return;
    this.setPixelRatio();
    this.renderer.setSize(clientWidth, clientHeight, false);
    this.navigator!.fit(this.width, clientHeight, this.padding);
    this.dirtyShadows = this.dirtyTrees = true;
    if (this.world) this.draw();
  }

  private setPixelRatio(): void {
    const most = this.options.pixelRatio ?? (this.coarse ? 1.5 : 2);
    const full = this.software ? Math.min(FINE_IN_SOFTWARE, most) : Math.min(window.devicePixelRatio || 1, most);
    const ratio = !this.draft ? full : this.software ? DRAFT : Math.max(DRAFT, full * DRAFT);
    if (this.renderer && Math.abs(this.renderer.getPixelRatio() - ratio) > 0.01) this.renderer.setPixelRatio(ratio);
  }

  private invalidate(): void {
    this.dirty = true;
    if (this.frames > 0 && this.slow) {
      this.draft = true;
      this.waitForRest();
    }
    this.schedule();
  }

  private dirty = true;

  private schedule(): void {
    if (this.scheduled || this.disposed) return;
    this.scheduled = requestAnimationFrame((now) => {
      this.scheduled = 0;
      this.tick(now);
    });
  }

  private tick(now: number): void {
    if (!this.world || !this.visible || document.hidden) return;
    if (this.pointer && !this.moving) {
      const picked = this.pick(this.pointer.x, this.pointer.y);
      this.changeHover(picked);
      this.pointer = null;
    }
    if (this.navigator!.flying) {
      this.navigator!.step(now);
      this.onMove();
    }
    if (this.playing) {
      if (this.playedAt) this.stepFrames(this.world, Math.min((now - this.playedAt) / 1000, 0.5) * this.rate + 1e-9);
      this.playedAt = now;
      this.invalidate();
    }
    if (!this.dirty) return;
    if (this.moving && now - this.lastFrameAt < 400) this.pace += (now - this.lastFrameAt - this.pace) * 0.25;
    this.lastFrameAt = now;
    this.draw();
    if (this.navigator!.flying) this.schedule();
  }

  private changeHover(picked: Picked): void {
    if (picked.building === this.hovered && picked.line === this.hoveredLine) return;
    if (picked.line !== this.hoveredLine) {
      this.hoveredLine = picked.line;
      this.whenLoaded((world) => world.pipes?.mark(picked.line));
    }
    this.setHover(picked.building);
    this.canvas.classList.toggle("over", picked.building !== null || picked.line !== null);
    this.emit("hover", picked.building, picked);
  }

  private draw(): void {
    const { world, renderer, navigator, light } = this;
    if (!world || !renderer || !navigator || !light) return;
    this.dirty = false;
    const start = performance.now();
    this.setPixelRatio();
    navigator.clip(world.reach);
    const { camera } = navigator;
    camera.updateMatrixWorld();
    const away = camera.position.distanceTo(navigator.controls.target);
    const reach = Math.max(Math.min(away * 2.1, away * 1.2 + 900), 220);
    (this.scene.fog as FogExp2).density = 0.5 / (0.55 * world.reach + 0.5 * away + 200);
    world.buildings.setDistance(away);
    if (world.trees && this.layers.trees && this.dirtyTrees) world.trees.update(camera, 40);
    this.dirtyTrees = false;
    const fresh = this.dirtyShadows && this.shadowsShown() && (!this.moving || !this.slow);
    if (fresh) {
      light.fit(camera, world.heights, reach);
      this.dirtyShadows = false;
    }
    this.sky.look(camera);
    renderer.info.reset();
    this.render(world, renderer);
    if (this.layers.labels) {
      const hidden = (place: Vector3) => !this.moving && world.picker.towards(camera.position, place, true) !== null;
      world.labels.update(camera, this.width, this.canvas.clientHeight, hidden, this.mode === "split" ? { left: 0, right: 0 } : this.padding);
      if (this.mode === "split") this.namesRight.replaceChildren(...Array.from(world.labels.element.children, (name) => name.cloneNode(true)));
    }
    if (this.markers.count) {
      const hidden = (place: Vector3) => !this.moving && world.picker.towards(camera.position, place, true) !== null;
      this.markers.place(camera, this.width, this.canvas.clientHeight, hidden);
    }
    if (navigator.heading !== this.compass) this.overlay.turn((this.compass = navigator.heading));
    this.frames++;
    this.lastFrameMs = performance.now() - start;
    if (fresh && !this.moving) this.checkBudget(start);
    this.afterPicture?.();
    this.afterPicture = null;
  }

  /** One picture, or two beside each other from one camera: they share geometry, textures and shadows. */
  private render(world: World, renderer: WebGLRenderer): void {
    const { camera } = this.navigator!;
    const { uSwipe } = world.buildings.uniforms;
    const { clientWidth, clientHeight } = this.canvas;
    if (this.mode !== "split") {
      uSwipe.value = this.mode === "swipe" ? this.divider.share * clientWidth * renderer.getPixelRatio() : 0;
      renderer.render(this.scene, camera);
      return;
    }
    renderer.setScissorTest(true);
    for (const side of [0, 1]) {
      uSwipe.value = side ? 0 : 1e9;
      renderer.setViewport(side * this.width, 0, this.width, clientHeight);
      renderer.setScissor(side * this.width, 0, this.width, clientHeight);
      renderer.render(this.scene, camera);
    }
    renderer.setScissorTest(false);
    renderer.setViewport(0, 0, clientWidth, clientHeight);
  }

  /** Of one picture. [px] */
  private get width(): number {
    return (this.canvas.clientWidth || this.overlay.root.clientWidth) / (this.mode === "split" ? 2 : 1);
  }

  /** Wait for the picture, and give up shadows where three in a row take too long. */
  private checkBudget(start: number): void {
    if (this.slowPictures < 0 || this.software) return;
    const gl = this.renderer!.getContext();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    this.lastFrameMs = performance.now() - start;
    const budget = this.coarse ? 150 : 1500;
    this.slowPictures = this.frames > 3 && this.lastFrameMs > budget ? this.slowPictures + 1 : 0;
    if (this.frames > 30 && !this.slowPictures) this.slowPictures = -1;
    if (this.slowPictures < 3) return;
    this.tooSlowForShadows = true;
    this.showShadows();
    this.invalidate();
  }

  private toNdc(x: number, y: number): Vector2 {
    const inside = this.mode === "split" && x >= this.width ? x - this.width : x;
    return new Vector2((inside / this.width) * 2 - 1, 1 - (y / this.canvas.clientHeight) * 2);
  }

  /** Pixels of a projected point; of two pictures in the left one. */
  private toPixels(point: Vector3): { x: number; y: number } {
    return { x: ((point.x + 1) / 2) * this.width, y: ((1 - point.y) / 2) * this.canvas.clientHeight };
  }

  private emit<K extends keyof Events>(event: K, ...args: Parameters<Events[K]>): void {
    for (const listener of this.listeners.get(event) ?? []) (listener as (...a: Parameters<Events[K]>) => void)(...args);
  }

  private fail(error: unknown): void {
    if (this.disposed) return;
    const known = error instanceof MissingWebGL;
    this.overlay.message(known ? text(this.language, "noWebGL") : `${text(this.language, "failed")} (${(error as Error).message}).`);
    this.element.dataset["ready"] = "failed";
    this.emit("error", error as Error);
  }

  private disposeWorld(): void {
    const world = this.world;
    if (!world) return;
    world.buildings.dispose();
    world.trees?.dispose();
    world.outline.dispose();
    world.ground.geometry.dispose();
    (world.ground.material as MeshLambertMaterial).dispose();
    world.pipes?.dispose();
    world.sketch.dispose();
    world.walls.set(null);
    const raster = world.groundUniforms.uRaster.value;
    if (raster !== world.textures.masks) raster.dispose();
    world.tracks?.geometry.dispose();
    (world.tracks?.material as MeshLambertMaterial | undefined)?.dispose();
    for (const texture of Object.values(world.textures)) {
      texture.dispose();
      (texture.image as ImageBitmap).close();
    }
    this.world = null;
  }
}

class MissingWebGL extends Error {}

function drawsInSoftware(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return false;
  const named = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(named ? named.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
}

/** Whether a polygon holds a point (even-odd rule). */
function holds(polygon: readonly (readonly [number, number])[], x: number, y: number): boolean {
  let inside = false;
  polygon.forEach(([x1, y1], i) => {
    const [x2, y2] = polygon[(i + 1) % polygon.length]!;
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  });
  return inside;
}

function isList(selection: Selection | readonly number[]): selection is readonly number[] {
  return Array.isArray(selection);
}
