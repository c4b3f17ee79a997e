import { BufferAttribute, BufferGeometry } from "three";
import type { Manifest } from "./types";

export async function fetchManifest(url: string, signal: AbortSignal): Promise<Manifest> {
  const manifest = (await (await get(url, signal)).json()) as Manifest;
  if (manifest.format !== "lobeda scene") throw new Error(`${url} is no scene`);
  return manifest;
}

export async function fetchBuffer(url: string, signal: AbortSignal): Promise<ArrayBuffer> {
  return (await get(url, signal)).arrayBuffer();
}

async function get(url: string, signal: AbortSignal): Promise<Response> {
  const answer = await fetch(url, { signal });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

export async function fetchImage(url: string, signal: AbortSignal): Promise<ImageBitmap> {
  const blob = await (await get(url, signal)).blob();
  return createImageBitmap(blob, { colorSpaceConversion: "none" });
}

interface Accessor {
  bufferView: number;
  componentType: 5120 | 5121 | 5122 | 5123 | 5125 | 5126;
  count: number;
  type: "SCALAR" | "VEC2" | "VEC3";
  normalized?: boolean;
}

interface Gltf {
  nodes: { translation?: number[]; scale?: number[] }[];
  meshes: { primitives: { attributes: Record<string, number>; indices: number; mode: number }[] }[];
  bufferViews: { byteOffset: number; byteLength: number; byteStride?: number }[];
  accessors: Accessor[];
}

export interface BuildingMesh {
  geometry: BufferGeometry;
  edges: Uint32Array;
  translation: [number, number, number];
  scale: number;
}

const ARRAYS = {
  5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array,
} as const;
const WIDTH = { SCALAR: 1, VEC2: 2, VEC3: 3 } as const;

/** The one mesh of our own GLB: interleaved paddings are squeezed out, indices stay. */
export function parseBuildings(buffer: ArrayBuffer): BuildingMesh {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== 0x46546c67) throw new Error("The buildings are no GLB");
  const headLength = view.getUint32(12, true);
  const gltf = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, headLength))) as Gltf;
  const start = 20 + headLength + 8;
  const read = (index: number) => {
    const accessor = gltf.accessors[index]!;
    const place = gltf.bufferViews[accessor.bufferView]!;
    const Type = ARRAYS[accessor.componentType];
    const width = WIDTH[accessor.type];
    const step = (place.byteStride ?? width * Type.BYTES_PER_ELEMENT) / Type.BYTES_PER_ELEMENT;
    const raw = new Type(buffer, start + place.byteOffset, place.byteLength / Type.BYTES_PER_ELEMENT);
    return { raw, width, step, accessor };
  };
  const packed = (index: number) => {
    const { raw, width, step, accessor } = read(index);
    if (step === width) return { array: raw, width, accessor };
    const array = new (raw.constructor as Uint16ArrayConstructor)(accessor.count * width);
    for (let i = 0; i < accessor.count; i++) for (let j = 0; j < width; j++) array[i * width + j] = raw[i * step + j]!;
    return { array, width, accessor };
  };
  const [solid, lines] = gltf.meshes[0]!.primitives;
  const geometry = new BufferGeometry();
  const names: Record<string, string> = { POSITION: "position", NORMAL: "normal", TEXCOORD_0: "grid", _BUILDING: "building" };
  for (const [name, ours] of Object.entries(names)) {
    const { array, width, accessor } = packed(solid!.attributes[name]!);
    geometry.setAttribute(ours, new BufferAttribute(array, width, accessor.normalized ?? false));
  }
  geometry.setIndex(new BufferAttribute(read(solid!.indices).raw, 1));
  const node = gltf.nodes[0]!;
  return {
    geometry,
    edges: read(lines!.indices).raw as Uint32Array,
    translation: (node.translation ?? [0, 0, 0]) as [number, number, number],
    scale: node.scale?.[0] ?? 1,
  };
}

/** Heights row by row from the north, from folded differences. [m] */
export function parseHeights(buffer: ArrayBuffer, size: number, step: number, lowest: number): Float32Array {
  const folded = new Uint16Array(buffer);
  const heights = new Float32Array(size * size);
  const signed = (value: number) => (value & 1 ? -(value + 1) / 2 : value / 2);
  let first = 0;
  for (let row = 0; row < size; row++) {
    first += signed(folded[row * size]!);
    let value = first;
    for (let column = 0; column < size; column++) {
      if (column) value += signed(folded[row * size + column]!);
      heights[row * size + column] = value * step + lowest;
    }
  }
  return heights;
}
