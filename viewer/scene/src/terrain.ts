import Martini from "@mapbox/martini";
import {
  BufferAttribute, BufferGeometry, Color, DataTexture, LinearFilter, LinearMipmapLinearFilter, Mesh, MeshLambertMaterial, NearestFilter,
  SRGBColorSpace, Texture,
} from "three";
import type { Manifest, Raster } from "./types";

/** Heights of the ground between the grid's nodes, and beyond its edge those of the edge. */
export class Heights {
  readonly lowest: number;
  readonly highest: number;

  constructor(
    readonly grid: Float32Array,
    readonly size: number,
    readonly extent: Manifest["extent"],
  ) {
    let low = Infinity;
    let high = -Infinity;
    for (const height of grid) {
      low = Math.min(low, height);
      high = Math.max(high, height);
    }
    this.lowest = low;
    this.highest = high;
  }

  at(x: number, z: number): number {
    const [west, south, east, north] = this.extent;
    const last = this.size - 1;
    const u = Math.min(Math.max(((x - west) / (east - west)) * last, 0), last);
    const v = Math.min(Math.max(((z + north) / (north - south)) * last, 0), last);
    const column = Math.min(Math.floor(u), last - 1);
    const row = Math.min(Math.floor(v), last - 1);
    const a = u - column;
    const b = v - row;
    const i = row * this.size + column;
    const upper = this.grid[i]! * (1 - a) + this.grid[i + 1]! * a;
    const lower = this.grid[i + this.size]! * (1 - a) + this.grid[i + this.size + 1]! * a;
    return upper * (1 - b) + lower * b;
  }
}

const APRON = 16;
const TUCK = 10;

/** The ground: as few triangles as keep within `error` metres, and an apron that runs out into the haze. */
export function groundGeometry(heights: Heights, error: number): BufferGeometry {
  const { size, extent } = heights;
  const [west, south, east, north] = extent;
  const { vertices, triangles } = new Martini(size).createTile(heights.grid).getMesh(error);
  const border = apron(heights);
  const count = vertices.length / 2;
  const positions = new Float32Array((count + border.positions.length / 3) * 3);
  const last = size - 1;
  for (let i = 0; i < count; i++) {
    const column = vertices[2 * i]!;
    const row = vertices[2 * i + 1]!;
    positions[3 * i] = west + ((east - west) * column) / last;
    positions[3 * i + 1] = heights.grid[row * size + column]!;
    positions[3 * i + 2] = -north + ((north - south) * row) / last;
  }
  positions.set(border.positions, 3 * count);
  const index = new Uint32Array(triangles.length + border.index.length);
  for (let i = 0; i < triangles.length; i += 3) {
    index[i] = triangles[i]!;
    index[i + 1] = triangles[i + 2]!;
    index[i + 2] = triangles[i + 1]!;
  }
  border.index.forEach((value, i) => (index[triangles.length + i] = value + count));
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setIndex(new BufferAttribute(faceUp(positions, index), 1));
  geometry.computeVertexNormals();
  return geometry;
}

function faceUp(positions: Float32Array, index: Uint32Array): Uint32Array {
  const p = (i: number, axis: number) => positions[3 * i + axis]!;
  for (let t = 0; t < index.length; t += 3) {
    const [a, b, c] = [index[t]!, index[t + 1]!, index[t + 2]!];
    const up = (p(b, 2) - p(a, 2)) * (p(c, 0) - p(a, 0)) - (p(b, 0) - p(a, 0)) * (p(c, 2) - p(a, 2));
    if (up < 0) {
      index[t + 1] = c;
      index[t + 2] = b;
    }
  }
  return index;
}

/** A ring of quads from just under the edge outwards, its outer rim at the mean height of the edge. */
function apron(heights: Heights): { positions: number[]; index: number[] } {
  const [west, south, east, north] = heights.extent;
  const steps = 32;
  const rim: [number, number][] = [];
  const corners: [number, number][] = [[west, -north], [east, -north], [east, -south], [west, -south]];
  corners.forEach(([x, z], side) => {
    const [nextX, nextZ] = corners[(side + 1) % 4]!;
    for (let i = 0; i < steps; i++) rim.push([x + ((nextX - x) * i) / steps, z + ((nextZ - z) * i) / steps]);
  });
  const mean = rim.reduce((sum, [x, z]) => sum + heights.at(x, z), 0) / rim.length;
  const [middleX, middleZ] = [(west + east) / 2, -(south + north) / 2];
  const positions: number[] = [];
  const index: number[] = [];
  for (const [x, z] of rim) {
    const [inX, inZ] = [x - Math.sign(x - middleX) * TUCK, z - Math.sign(z - middleZ) * TUCK];
    positions.push(inX, heights.at(inX, inZ) - 1.5, inZ);
    positions.push(middleX + (x - middleX) * 1.6, (heights.at(x, z) + mean) / 2, middleZ + (z - middleZ) * 1.6);
    positions.push(middleX + (x - middleX) * APRON, mean, middleZ + (z - middleZ) * APRON);
  }
  for (let i = 0; i < rim.length; i++) {
    const j = (i + 1) % rim.length;
    for (let ring = 0; ring < 2; ring++) {
      const [a, b, c, d] = [3 * i + ring, 3 * j + ring, 3 * j + ring + 1, 3 * i + ring + 1];
      index.push(a, b, c, a, c, d);
    }
  }
  return { positions, index };
}

export interface GroundUniforms {
  uGround: { value: Texture };
  uMasks: { value: Texture };
  /** West, north (z), width, depth of the image. */
  uArea: { value: [number, number, number, number] };
  /** 1: calm the photo, so that coloured buildings stand out. */
  uQuiet: { value: number };
  uBeyond: { value: Color };
  uWater: { value: Color };
  /** Colours laid over the ground, and where: west, north (z), width, depth; no width: nothing. */
  uRaster: { value: Texture };
  uRasterArea: { value: [number, number, number, number] };
}

export function groundMaterial(uniforms: GroundUniforms): MeshLambertMaterial {
  const material = new MeshLambertMaterial();
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = shader.vertexShader
      .replace("#include <common>", "#include <common>\nvarying vec3 vPlace;")
      .replace("#include <project_vertex>", "#include <project_vertex>\nvPlace = transformed;");
    shader.fragmentShader = shader.fragmentShader
      .replace("#include <common>", `#include <common>\n${HEAD}`)
      .replace("#include <color_fragment>", BODY)
      .replace("#include <opaque_fragment>", `${LAID}\n#include <opaque_fragment>`);
  };
  return material;
}

const HEAD = /* glsl */ `
varying vec3 vPlace;
uniform sampler2D uGround;
uniform sampler2D uMasks;
uniform vec4 uArea;
uniform float uQuiet;
uniform vec3 uBeyond;
uniform vec3 uWater;
uniform sampler2D uRaster;
uniform vec4 uRasterArea;
float speckle(vec2 p) { return fract(sin(dot(p, vec2(12.9898, 78.233))) * 43758.5453); }
float grain(vec2 p) {
  vec2 i = floor(p), f = fract(p);
  f = f * f * (3.0 - 2.0 * f);
  return mix(mix(speckle(i), speckle(i + vec2(1, 0)), f.x), mix(speckle(i + vec2(0, 1)), speckle(i + 1.0), f.x), f.y);
}
`;

const BODY = /* glsl */ `
vec2 at = (vPlace.xz - uArea.xy) / uArea.zw;
vec3 tint = texture2D(uGround, clamp(at, 0.001, 0.999)).rgb;
vec3 mask = texture2D(uMasks, clamp(at, 0.001, 0.999)).rgb;
vec2 rim = min(at, 1.0 - at) * uArea.zw;
float within = smoothstep(0.0, 0.06 * min(uArea.z, uArea.w), min(rim.x, rim.y));
float grey = dot(tint, vec3(0.3, 0.59, 0.11));
tint = mix(tint, vec3(grey) * 0.75 + tint * 0.15 + 0.05, uQuiet * 0.6);
float near = 1.0 - smoothstep(60.0, 350.0, distance(cameraPosition, vPlace));
if (near > 0.0) tint *= 1.0 + near * (0.20 * (grain(vPlace.xz * 3.7) - 0.5) + 0.16 * (grain(vPlace.xz * 0.9) - 0.5));
tint = mix(tint, uWater, smoothstep(0.35, 0.65, mask.r) * 0.85);
tint *= 1.0 - 0.46 * mask.g;
diffuseColor.rgb = mix(mix(uBeyond, vec3(dot(uBeyond, vec3(0.3, 0.59, 0.11))), 0.3 + 0.5 * uQuiet) * (1.0 + 0.3 * uQuiet), tint, within);
`;

// A raster keeps the colours of its legend: light and shadow hardly change it. Beyond the district's edge the ground
// goes over into the haze (fogColor is of the picture's colour space, this light is linear).
const LAID = /* glsl */ `
float away = max(max(-rim.x, -rim.y), 0.0) / max(uArea.z, uArea.w);
outgoingLight = mix(outgoingLight, pow(fogColor, vec3(2.2)), 0.96 * smoothstep(-0.02, 0.34, away));
if (uRasterArea.z > 0.0) {
  vec2 on = (vPlace.xz - uRasterArea.xy) / uRasterArea.zw;
  if (on.x > 0.0 && on.x < 1.0 && on.y > 0.0 && on.y < 1.0) {
    vec4 laid = texture2D(uRaster, on);
    outgoingLight = mix(outgoingLight, laid.rgb * 0.92 + 0.08 * outgoingLight, laid.a);
  }
}
`;

export function imageTexture(image: ImageBitmap, anisotropy: number, srgb = true): Texture {
  const texture = new Texture(image);
  texture.flipY = false;
  texture.generateMipmaps = true;
  texture.minFilter = LinearMipmapLinearFilter;
  texture.anisotropy = anisotropy;
  if (srgb) texture.colorSpace = SRGBColorSpace;
  texture.needsUpdate = true;
  return texture;
}

export function rasterTexture({ columns, rows, values, colours, opacity = 0.8 }: Raster): DataTexture {
  if (values.length !== columns * rows) throw new Error(`${values.length} cells given, ${columns} × ${rows} expected`);
  const shades = colours.map((colour) => new Color().setStyle(colour, "srgb").convertLinearToSRGB());
  const bytes = new Uint8Array(4 * columns * rows);
  for (let i = 0; i < values.length; i++) {
    const shade = shades[values[i]! - 1];
    if (shade) bytes.set([shade.r * 255, shade.g * 255, shade.b * 255, opacity * 255].map(Math.round), 4 * i);
  }
  const texture = new DataTexture(bytes, columns, rows);
  texture.colorSpace = SRGBColorSpace;
  texture.magFilter = NearestFilter;
  texture.minFilter = LinearFilter;
  texture.needsUpdate = true;
  return texture;
}

export type Ground = Mesh<BufferGeometry, MeshLambertMaterial>;
