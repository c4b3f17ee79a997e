import { createScene } from "./scene";
import type { CameraState, CompareMode, Handle, Language, Layers, Marker, MarkerNews, Padding, Picked, Raster, Selection, Walls } from "./types";

/** The parameters of viewer/scene/component.py as Panel shows them here. */
interface Model {
  manifest: string;
  values: ArrayBuffer | null;
  frames: number;
  frame: number;
  playing: boolean;
  frame_rate: number;
  compare: CompareMode;
  compare_values: ArrayBuffer | null;
  compare_share: number;
  compare_labels: string[];
  raster: ArrayBuffer | null;
  raster_look: Partial<Omit<Raster, "values">>;
  walls: ArrayBuffer | null;
  walls_look: Partial<Omit<Walls, "points">>;
  palette: string[];
  value_min: number;
  value_max: number;
  palette_steps: boolean;
  palette_log: boolean;
  line_points: ArrayBuffer | null;
  line_widths: ArrayBuffer | null;
  line_values: ArrayBuffer | null;
  markers: Marker[];
  marker_news: MarkerNews;
  marker_selected: string;
  marker_clicked: object;
  marker_hovered: object;
  selected: { building_id?: string; block_id?: string; building_ids?: string[] };
  sun_time: string | null;
  scene_layers: Partial<Layers>;
  language: Language;
  label: string;
  attribution: boolean;
  fly_to: { building_id?: string; block_id?: string; building_ids?: string[] };
  camera: Partial<CameraState>;
  padding: Partial<Padding>;
  hovered: object;
  clicked: object;
  ready: boolean;
  on(names: string | string[], callback: () => void): void;
}

/** Panel's entry: draws `model.manifest` and keeps the picture and the parameters the same. */
export function render({ model, el }: { model: Model; el?: HTMLElement }): HTMLElement {
  const element = document.createElement("div");
  element.style.cssText = "position: relative; width: 100%; height: 100%; min-height: 120px;";
  void el;
  let handle: Handle | null = null;
  let clicks = 0;
  let sent: string | null = null;
  let played: number | null = null;
  let swiped = NaN;

  const rows = (chosen: Model["selected"]): Selection => {
    const manifest = handle?.manifest;
    if (!manifest || !chosen) return {};
    const building = chosen.building_id ? manifest.buildings.id.indexOf(chosen.building_id) : -1;
    const block = chosen.block_id ? manifest.blocks.id.indexOf(chosen.block_id) : -1;
    const many = chosen.building_ids ?? [];
    const byId = many.length ? new Map(manifest.buildings.id.map((id, row) => [id, row])) : null;
    return {
      building: building < 0 ? null : building,
      block: block < 0 ? null : block,
      buildings: many.map((id) => byId!.get(id) ?? -1).filter((row) => row >= 0),
    };
  };
  const apply = {
    values: () => {
      handle?.setValues(model.values?.byteLength ? new Float32Array(model.values.slice(0)) : null, Math.max(model.frames, 1));
      performance.clearMarks("scene:values");
      performance.mark("scene:values"); // for clocks that end where the scene has its values
    },
    lines: () => {
      if (!model.line_points || !model.line_widths) return;
      handle?.setLines(new Float64Array(model.line_points.slice(0)), new Float32Array(model.line_widths.slice(0)));
      apply.lineValues();
    },
    lineValues: () => handle?.setLineValues(model.line_values ? new Float32Array(model.line_values.slice(0)) : null),
    palette: () => model.palette.length && handle?.setPalette(model.palette, model.value_min, model.value_max, { steps: model.palette_steps, log: model.palette_log }),
    frame: () => {
      if (model.frame !== played) handle?.setFrame(model.frame);
      played = null;
    },
    playing: () => handle?.setPlaying(model.playing, model.frame_rate),
    compare: () => {
      const a = model.compare_values?.byteLength ? new Float32Array(model.compare_values.slice(0)) : null;
      const [left, right] = model.compare_labels;
      handle?.setCompare({ mode: a ? model.compare : "none", a, share: model.compare_share, ...(left && right ? { labels: [left, right] } : {}) });
    },
    share: () => {
      if (model.compare_share !== swiped) handle?.setCompare({ mode: model.compare_values?.byteLength ? model.compare : "none", share: model.compare_share });
    },
    raster: () => {
      const { bounds, columns, rows, colours, opacity } = model.raster_look;
      const laid = model.raster && bounds && columns && rows && colours ? { bounds, columns, rows, colours, values: new Uint8Array(model.raster.slice(0)), ...(opacity ? { opacity } : {}) } : null;
      if (!laid || laid.values.length === laid.columns * laid.rows) handle?.setRaster(laid);
    },
    walls: () => {
      const { corner, counts, colours } = model.walls_look;
      const laid = model.walls && corner && counts && colours ? { corner, counts, colours, points: new Float32Array(model.walls.slice(0)) } : null;
      if (!laid || laid.points.length === 9 * laid.counts.reduce((sum, count) => sum + count, 0)) handle?.setWalls(laid);
    },
    markers: () => handle?.setMarkers(model.markers),
    selected: () => handle?.setSelection(rows(model.selected)),
    sun: () => handle?.setSun(model.sun_time || null),
    layers: () => handle?.setLayers(model.scene_layers),
    language: () => handle?.setLanguage(model.language),
    camera: () => {
      if (model.camera.position && JSON.stringify(model.camera) !== sent) handle?.setCamera(model.camera);
    },
    fly: () => Object.keys(model.fly_to).length && handle?.flyTo(rows(model.fly_to)),
  };
  const open = () => {
    handle?.dispose();
    handle = null;
    if (!model.manifest) return;
    const scene = createScene(element, { manifest: model.manifest, language: model.language, layers: model.scene_layers, label: model.label || undefined, attribution: model.attribution, padding: model.padding });
    handle = scene;
    // For tools on the same page, which draw into the picture and read places from it.
    (globalThis as { lobedaScene?: Handle }).lobedaScene = scene;
    if (model.camera.position) scene.setCamera(model.camera);
    for (const task of [apply.palette, apply.values, apply.lines, apply.markers, apply.frame, apply.sun, apply.compare, apply.raster, apply.walls, apply.playing]) task();
    scene.on("hover", (_, picked) => (model.hovered = outgoing(picked)));
    scene.on("click", (_, picked) => (model.clicked = { ...outgoing(picked), count: ++clicks }));
    scene.on("marker", (id) => (model.marker_clicked = { id, count: ++clicks }));
    scene.on("markerHover", (id, x, y) => (model.marker_hovered = id === null ? {} : { id, x: Math.round(x), y: Math.round(y) }));
    scene.on("camera", (state) => {
      sent = JSON.stringify(state);
      model.camera = state;
    });
    scene.on("frame", (frame) => (model.frame = played = frame));
    scene.on("playing", (on) => (model.playing = on));
    scene.on("compare", (share) => (model.compare_share = swiped = share));
    scene.on("ready", () => {
      apply.selected();
      model.ready = true;
    });
  };
  model.on("manifest", open);
  model.on(["values", "frames"], apply.values);
  model.on(["line_points", "line_widths"], apply.lines);
  model.on("line_values", apply.lineValues);
  model.on(["palette", "value_min", "value_max", "palette_steps", "palette_log"], () => void apply.palette());
  model.on("markers", apply.markers);
  model.on("marker_news", () => handle?.updateMarkers(model.marker_news));
  model.on("marker_selected", () => handle?.selectMarker(model.marker_selected));
  model.on("frame", apply.frame);
  model.on(["playing", "frame_rate"], apply.playing);
  model.on(["compare", "compare_values", "compare_labels"], apply.compare);
  model.on("compare_share", apply.share);
  model.on(["raster", "raster_look"], apply.raster);
  model.on(["walls", "walls_look"], apply.walls);
  model.on("selected", apply.selected);
  model.on("sun_time", apply.sun);
  model.on("scene_layers", apply.layers);
  model.on("language", apply.language);
  model.on("camera", apply.camera);
  model.on("padding", () => handle?.setPadding(model.padding));
  model.on("fly_to", () => void apply.fly());
  model.on("remove", () => handle?.dispose());
  open();
  return element;
}

function outgoing({ building_id, label, block_id, block_name, line, x, y }: Picked): object {
  return { building_id, label, block_id, block_name, line, x: Math.round(x), y: Math.round(y) };
}
