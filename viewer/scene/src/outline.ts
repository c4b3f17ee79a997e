import { BufferAttribute, type Group, Group as Node } from "three";
import { LineMaterial } from "three/examples/jsm/lines/LineMaterial.js";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";
import type { BuildingMesh } from "./load";
import { rangesOf } from "./pick";

/** Bright edges around chosen buildings, faint where others stand before them. */
export class Outline {
  readonly group: Group = new Node();
  private readonly ranges: Uint32Array;
  private readonly front: LineMaterial;
  private readonly behind: LineMaterial;
  private lines: LineSegments2[] = [];

  constructor(
    private readonly mesh: BuildingMesh,
    count: number,
    colour: number,
    width: number,
  ) {
    this.ranges = rangesOf(count, mesh.edges, mesh.geometry.getAttribute("building").array, 2);
    this.front = new LineMaterial({ color: colour, linewidth: width, fog: false });
    this.front.polygonOffset = true;
    this.front.polygonOffsetFactor = -2;
    this.front.polygonOffsetUnits = -4;
    this.behind = new LineMaterial({
      color: colour, linewidth: width * 0.6, fog: false, transparent: true, opacity: 0.22, depthTest: false, depthWrite: false,
    });
  }

  show(buildings: Iterable<number>): void {
    this.clear();
    const position = this.mesh.geometry.getAttribute("position") as BufferAttribute;
    const { translation, scale, edges } = this.mesh;
    const points: number[] = [];
    for (const building of buildings) {
      for (let i = this.ranges[building]!; i < this.ranges[building + 1]!; i++) {
        const v = edges[i]!;
        points.push(
          position.getX(v) * scale + translation[0],
          position.getY(v) * scale + translation[1],
          position.getZ(v) * scale + translation[2],
        );
      }
    }
    if (!points.length) return;
    const geometry = new LineSegmentsGeometry().setPositions(withoutDoubles(points));
    this.lines = [this.front, this.behind].map((material, order) => {
      const line = new LineSegments2(geometry, material);
      line.renderOrder = 5 + order;
      line.frustumCulled = false;
      this.group.add(line);
      return line;
    });
  }

  dispose(): void {
    this.clear();
    this.front.dispose();
    this.behind.dispose();
  }

  private clear(): void {
    for (const line of this.lines) this.group.remove(line);
    this.lines[0]?.geometry.dispose();
    this.lines = [];
  }
}

/** Edges that two neighbouring buildings share lie inside their block and are left out. */
function withoutDoubles(points: number[]): number[] {
  const places = new Map<string, number[]>();
  const round = (i: number) => `${Math.round(points[i]! * 4)},${Math.round(points[i + 1]! * 4)},${Math.round(points[i + 2]! * 4)}`;
  for (let i = 0; i < points.length; i += 6) {
    const key = [round(i), round(i + 3)].sort().join(" ");
    places.set(key, [...(places.get(key) ?? []), i]);
  }
  const kept: number[] = [];
  for (const [start, ...others] of places.values()) if (!others.length) kept.push(...points.slice(start, start! + 6));
  return kept;
}
