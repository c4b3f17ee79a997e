// One's own GeoJSON layer: read in the browser, told by errors that say what to do; nothing leaves the page.

export const MOST_BYTES = 5e6;
export const MOST_POINTS = 100_000;

export class LayerError extends Error {
  /** `key` of a text in section tools, with its values. */
  constructor(key, values = {}) { super(key); this.key = key; this.values = values; }
}

const A = 6378137;
const F = 1 / 298.257222101;
const N = F / (2 - F);
const RADIUS = (A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const ALPHA = [N / 2 - (2 / 3) * N ** 2 + (5 / 16) * N ** 3, (13 / 48) * N ** 2 - (3 / 5) * N ** 3, (61 / 240) * N ** 3];

/** Easting and northing in EPSG:25832 of degrees: transverse Mercator by Krüger's series (under 1 mm here). */
export function utm32(lon, lat) {
  const phi = (lat * Math.PI) / 180;
  const lambda = ((lon - 9) * Math.PI) / 180;
  const e = (2 * Math.sqrt(N)) / (1 + N);
  const t = Math.sinh(Math.atanh(Math.sin(phi)) - e * Math.atanh(e * Math.sin(phi)));
  const xi = Math.atan2(t, Math.cos(lambda));
  const eta = Math.atanh(Math.sin(lambda) / Math.sqrt(1 + t * t));
  let [x, y] = [eta, xi];
  ALPHA.forEach((a, i) => {
    x += a * Math.cos(2 * (i + 1) * xi) * Math.sinh(2 * (i + 1) * eta);
    y += a * Math.sin(2 * (i + 1) * xi) * Math.cosh(2 * (i + 1) * eta);
  });
  return [500000 + 0.9996 * RADIUS * x, 0.9996 * RADIUS * y];
}

/** Features of a GeoJSON text: [{kind, rings: [[e, n, …]], properties}], coordinates in EPSG:25832. */
export function read(text, bytes = text.length) {
  if (bytes > MOST_BYTES) throw new LayerError("tools.own_too_big", { size: bytes / 1e6, most: MOST_BYTES / 1e6 });
  let data;
  try { data = JSON.parse(text); } catch { throw new LayerError("tools.own_no_json"); }
  const features = data?.type === "FeatureCollection" ? data.features : data?.type === "Feature" ? [data]
    : typeof data?.type === "string" ? [{ type: "Feature", geometry: data, properties: {} }] : null;
  if (!Array.isArray(features)) throw new LayerError("tools.own_no_geojson");
  const parts = [];
  for (const feature of features) {
    if (feature?.geometry) collect(feature.geometry, feature.properties ?? {}, parts);
  }
  if (!parts.length) throw new LayerError("tools.own_empty");
  const count = parts.reduce((sum, part) => sum + part.rings.reduce((n, ring) => n + ring.length, 0), 0);
  if (count > MOST_POINTS) throw new LayerError("tools.own_too_many", { count, most: MOST_POINTS });
  const project = projection(data.crs?.properties?.name, parts);
  return parts.map((part) => ({ ...part, rings: part.rings.map((ring) => ring.map(project)) }));
}

function collect(geometry, properties, out) {
  const { type, coordinates, geometries } = geometry;
  const add = (kind, rings) => out.push({ kind, rings, properties });
  const known = {
    Point: () => add("point", [[coordinates]]),
    MultiPoint: () => coordinates.forEach((point) => add("point", [[point]])),
    LineString: () => add("line", [coordinates]),
    MultiLineString: () => coordinates.forEach((line) => add("line", [line])),
    Polygon: () => add("area", coordinates),
    MultiPolygon: () => coordinates.forEach((rings) => add("area", rings)),
    GeometryCollection: () => geometries.forEach((one) => collect(one, properties, out)),
  }[type];
  if (!known) throw new LayerError("tools.own_no_geojson");
  try { known(); } catch (error) { throw error instanceof LayerError ? error : new LayerError("tools.own_no_geojson"); }
}

function projection(named, parts) {
  const all = parts.flatMap((part) => part.rings.flat());
  if (!all.every((point) => Array.isArray(point) && Number.isFinite(point[0]) && Number.isFinite(point[1]))) throw new LayerError("tools.own_no_geojson");
  const degrees = all.every(([x, y]) => Math.abs(x) <= 180 && Math.abs(y) <= 90);
  const metres = all.every(([x, y]) => x > 1e5 && x < 9e5 && y > 5e6 && y < 6.5e6);
  const name = String(named ?? "");
  const told = /4326|CRS84|4258/.test(name) ? "degrees" : /25832/.test(name) ? "metres" : name ? "other" : "";
  if (told === "other") throw new LayerError("tools.own_crs", { crs: name });
  if ((told === "degrees" || !told) && degrees) return ([x, y]) => utm32(x, y);
  if ((told === "metres" || !told) && metres) return ([x, y]) => [x, y];
  throw new LayerError("tools.own_range");
}

/** West, south, east, north of features. */
export function bounds(parts) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const part of parts) for (const ring of part.rings) for (const [x, y] of ring) {
    box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y); box[2] = Math.max(box[2], x); box[3] = Math.max(box[3], y);
  }
  return box;
}

/** The feature at a place, points and lines within `reach` metres, the last drawn first; or null. */
export function featureAt(parts, [x, y], reach) {
  for (const part of [...parts].reverse()) {
    if (part.kind === "area" ? inside(part.rings, x, y) : away(part.rings[0], x, y) <= reach) return part;
  }
  return null;
}

const inside = (rings, x, y) => rings.reduce((odd, ring) => ring.reduce((within, [x1, y1], i) => {
  const [x2, y2] = ring[(i + 1) % ring.length];
  return (y1 > y) !== (y2 > y) && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1 ? !within : within;
}, odd), false);

const away = (line, x, y) => Math.min(...line.map(([x1, y1], i) => {
  const [x2, y2] = line[Math.min(i + 1, line.length - 1)];
  const length = (x2 - x1) ** 2 + (y2 - y1) ** 2;
  const share = length ? Math.min(1, Math.max(0, ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length)) : 0;
  return Math.hypot(x - x1 - share * (x2 - x1), y - y1 - share * (y2 - y1));
}));

/** Shapes for the scene, on the ground. */
export function shapes(parts, colour) {
  const flat = (ring) => ring.flatMap(([x, y]) => [x, y, NaN]);
  return parts.map(({ kind, rings }) => ({
    kind, colour, points: flat(rings[0]), ...(rings.length > 1 ? { holes: rings.slice(1).map(flat) } : {}), through: false,
  }));
}
