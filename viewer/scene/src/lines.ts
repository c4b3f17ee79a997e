import { BufferAttribute, BufferGeometry, Mesh, MeshLambertMaterial } from "three";
import type { Manifest } from "./types";
import type { Heights } from "./terrain";

const GAUGE = 1.435;
const RAIL = 0.22;
const STEP = 12;

/** Tram and railway tracks: two pairs of rails on the ground, as one mesh. */
export function tracks(lines: Manifest["lines"], heights: Heights): Mesh<BufferGeometry, MeshLambertMaterial> {
  const positions: number[] = [];
  const index: number[] = [];
  for (const line of lines) {
    const points = dense(line.points, STEP);
    for (const track of line.kind === "tram" ? [-1.6, 1.6] : [0])
      for (const rail of [-GAUGE / 2, GAUGE / 2]) ribbon(points, track + rail, heights, positions, index);
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
  geometry.setAttribute("normal", new BufferAttribute(Float32Array.from(positions, (_, i) => (i % 3 === 1 ? 1 : 0)), 3));
  geometry.setIndex(index);
  const material = new MeshLambertMaterial({ color: 0x5c5a58, polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -8 });
  const mesh = new Mesh(geometry, material);
  mesh.receiveShadow = true;
  return mesh;
}

/** Points of a line, x and z in turn, at most `step` metres apart. */
export function dense(flat: readonly number[], step: number): [number, number][] {
  const points: [number, number][] = [[flat[0]!, flat[1]!]];
  for (let i = 2; i < flat.length; i += 2) {
    const [x0, z0, x1, z1] = [flat[i - 2]!, flat[i - 1]!, flat[i]!, flat[i + 1]!];
    const pieces = Math.max(1, Math.ceil(Math.hypot(x1 - x0, z1 - z0) / step));
    for (let k = 1; k <= pieces; k++) points.push([x0 + ((x1 - x0) * k) / pieces, z0 + ((z1 - z0) * k) / pieces]);
  }
  return points;
}

function ribbon(points: [number, number][], aside: number, heights: Heights, positions: number[], index: number[]): void {
  const first = positions.length / 3;
  points.forEach(([x, z], i) => {
    const [ax, az] = points[Math.max(i - 1, 0)]!;
    const [bx, bz] = points[Math.min(i + 1, points.length - 1)]!;
    const length = Math.hypot(bx - ax, bz - az) || 1;
    const [nx, nz] = [-(bz - az) / length, (bx - ax) / length];
    for (const side of [aside - RAIL / 2, aside + RAIL / 2]) {
      const [px, pz] = [x + nx * side, z + nz * side];
      positions.push(px, heights.at(px, pz) + 0.25, pz);
    }
    if (i) {
      const v = first + 2 * i;
      index.push(v - 2, v, v - 1, v - 1, v, v + 1);
    }
  });
}
