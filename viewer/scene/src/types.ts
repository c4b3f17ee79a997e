export type Language = "de" | "en";

/** What viewer/scene/build.py writes. Lengths in metres, x east, z south of the origin, y up. */
export interface Manifest {
  format: string;
  version: number;
  name: string;
  notice: Record<Language, string> | null;
  attribution: string[];
  origin: [number, number, number];
  lat: number;
  lon: number;
  convergence_deg: number;
  files: {
    buildings: string;
    terrain: string;
    map: string;
    image: string | null;
    image_small: string | null;
    masks: string;
    trees: string | null;
  };
  /** West, south, east, north. */
  extent: [number, number, number, number];
  terrain: { size: number; step_m: number; lowest_m: number };
  trees: { count: number };
  /** Mean colours of the ground images along their edges. */
  beyond: { map: string; image: string };
  lines: { kind: string; points: number[] }[];
  buildings: {
    id: string[];
    label: string[];
    function: string[];
    block: number[];
    centre: number[];
    base: number[];
    height: number[];
    storey: number[];
    style: number[];
  };
  blocks: { id: string[]; name: string[] };
  places: { name: string; kind: string; at: [number, number] }[];
}

export interface Layers {
  trees: boolean;
  image: boolean;
  shadows: boolean;
  labels: boolean;
  markers: boolean;
}

export interface Padding {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface CameraState {
  position: [number, number, number];
  target: [number, number, number];
}

export interface Options {
  /** Address of the manifest; its files lie beside it. */
  manifest: string;
  language?: Language | undefined;
  /** Spoken name of the picture. */
  label?: string | undefined;
  layers?: Partial<Layers> | undefined;
  /** Buttons for zoom, north and overview. Default: yes. */
  controls?: boolean | undefined;
  /** The notice and the sources at the lower edge. Default: yes. */
  attribution?: boolean | undefined;
  /** Pixels at the edges that panels of the page cover: the overview is centred between them. */
  padding?: Partial<Padding> | undefined;
  /** Device pixels by CSS pixel at most. Default: 2, on phones 1.5. */
  pixelRatio?: number | undefined;
}

/** What lies under the pointer; `null` in every field: nothing. */
export interface Picked {
  building: number | null;
  building_id: string | null;
  label: string | null;
  block: number | null;
  block_id: string | null;
  block_name: string | null;
  /** Row of a line that was laid by `setLines`. */
  line: number | null;
  /** Pixels from the picture's upper left corner. */
  x: number;
  y: number;
}

/** A symbol that stands at a place, or on the roof of a building. */
export interface Marker {
  id: string;
  kind: string;
  title: string;
  /** In EPSG:25832. */
  xy: [number, number];
  building_id: string | null;
  /** ok, suspect, silent, alarm or waiting. */
  state: string;
  text: string;
  /** A class that colours the symbol while its state is ok; empty: none. */
  colour: string;
}

/** State, text and colour by id. */
export type MarkerNews = Record<string, [string, string, string]>;

export type Selection = { building?: number | null; block?: number | null; buildings?: readonly number[] };

export interface PaletteOptions {
  /** Logarithmic scale. */
  log?: boolean;
  /** One flat colour for each class between min and max, not a ramp. */
  steps?: boolean;
}

export type CompareMode = "none" | "swipe" | "split";

/** Two sets of values in one scene: left and right of a divider, or in two pictures with one camera. */
export interface Compare {
  mode: CompareMode;
  /** Values of the left side, frame after frame, on the palette's scale. */
  a?: ArrayLike<number> | null;
  /** Values of the right side; those of `setValues` without. */
  b?: ArrayLike<number> | null;
  /** Where the divider stands, 0 (left edge) to 1. */
  share?: number;
  /** Names of both sides. */
  labels?: readonly [string, string];
}

/** A point that was picked, in EPSG:25832 and DHHN2016. [m] */
export interface Place {
  east: number;
  north: number;
  height: number;
  /** Height of the ground there. */
  ground: number;
  building: number | null;
  building_id: string | null;
  /** Outward, east, north, up, of the wall or roof; null on the ground. */
  normal: [number, number, number] | null;
}

/** Something drawn into the scene. Points are east, north, height in turn; a height of nan lies on the ground. */
export interface Shape {
  kind: "point" | "line" | "area";
  points: ArrayLike<number>;
  holes?: readonly ArrayLike<number>[];
  colour: string;
  /** Of lines and edges, and half that of points. [px] */
  width?: number;
  /** Seen through what stands before it. Default: faintly. */
  through?: boolean;
}

/** Colours on the ground: row by row from the north; 0 is clear, n the colour number n - 1. */
export interface Raster {
  /** West, south, east, north, EPSG:25832. */
  bounds: readonly [number, number, number, number];
  columns: number;
  rows: number;
  values: ArrayLike<number>;
  colours: readonly string[];
  opacity?: number;
}

/** Colours on walls: triangles, counter-clockwise from outside, those of the first colour first. */
export interface Walls {
  /** East, north and height that the points are given from, EPSG:25832 and DHHN2016. */
  corner: readonly [number, number, number];
  /** East, north, height of each corner of each triangle. */
  points: ArrayLike<number>;
  /** Triangles of each colour. */
  counts: readonly number[];
  colours: readonly string[];
}

export interface Stats {
  ready: boolean;
  drawCalls: number;
  triangles: number;
  lastFrameMs: number;
  frames: number;
  shadows: boolean;
  textures: number;
  geometries: number;
  buildings: number;
}

export interface Events {
  hover: (row: number | null, picked: Picked) => void;
  click: (row: number | null, picked: Picked) => void;
  marker: (id: string) => void;
  markerHover: (id: string | null, x: number, y: number) => void;
  camera: (state: CameraState) => void;
  /** While a tool is on, instead of clicks: where, or null beyond the ground. */
  place: (place: Place | null) => void;
  /** The divider of a comparison was moved. */
  compare: (share: number) => void;
  /** Playing came to another whole frame. */
  frame: (frame: number) => void;
  playing: (on: boolean) => void;
  ready: () => void;
  error: (error: Error) => void;
}

export interface Handle {
  /** Resolves after the first picture, fails with what is missing. */
  readonly ready: Promise<void>;
  readonly manifest: Manifest | null;
  /** One value for each building in the manifest's order, frame after frame; nan is unknown, null uncoloured. */
  setValues(values: ArrayLike<number> | null, frames?: number): void;
  /** Frame shown; between two whole numbers the values are mixed. */
  setFrame(frame: number): void;
  /** Play the frames in a circle; where people want less motion, one step and then still. */
  setPlaying(on: boolean, framesPerSecond?: number): void;
  setCompare(compare: Compare): void;
  /** Colours laid over the ground; null: none. */
  setRaster(raster: Raster | null): void;
  /** Colours laid on single walls; null: none. */
  setWalls(walls: Walls | null): void;
  /** Draw shapes under a name in place of those drawn before; null: none. */
  setShapes(name: string, shapes: readonly Shape[] | null): void;
  /** Clicks and Enter (the middle of the picture) tell a place, and select nothing. */
  setTool(on: boolean): void;
  /** What lies at a point of the picture, null beyond the ground. */
  place(x: number, y: number): Place | null;
  /** Where a point, east, north and height, appears; null behind the camera. */
  projectPlace(place: readonly [number, number, number]): { x: number; y: number } | null;
  /** Rows of the buildings whose middle lies in a polygon on the picture, x and y of its corners. */
  within(polygon: readonly (readonly [number, number])[]): number[];
  /** The picture as it is, without names and symbols, at full sharpness. */
  capture(): HTMLCanvasElement;
  setPalette(colours: readonly string[], min: number, max: number, options?: PaletteOptions): void;
  /** Lines on the ground: x and y in EPSG:25832 in turn, a pair of nan behind each, and their widths in metres. */
  setLines(points: ArrayLike<number> | null, widths: ArrayLike<number>): void;
  /** A value for each line, coloured as the buildings are; null hides the lines. */
  setLineValues(values: ArrayLike<number> | null): void;
  setMarkers(markers: readonly Marker[]): void;
  updateMarkers(news: MarkerNews): void;
  selectMarker(id: string): void;
  setSelection(selection: Selection | readonly number[] | null): void;
  setHover(building: number | null): void;
  /** Sun at this time (ISO 8601, with offset or Z), or the light of a bright day. */
  setSun(sun: string | { time: string } | null): void;
  setLayers(layers: Partial<Layers>): void;
  setLanguage(language: Language): void;
  setCamera(state: Partial<CameraState> | null): void;
  getCamera(): CameraState;
  setPadding(padding: Partial<Padding>): void;
  flyTo(place: number | Selection): void;
  focus(building: number): void;
  /** What lies at a point of the picture. */
  pick(x: number, y: number): Picked;
  /** Where the middle of a line appears; null where it has none. */
  projectLine(line: number): { x: number; y: number } | null;
  /** Where the middle of a building's roof appears. */
  project(building: number): { x: number; y: number; visible: boolean };
  on<K extends keyof Events>(event: K, callback: Events[K]): () => void;
  stats(): Stats;
  dispose(): void;
}
