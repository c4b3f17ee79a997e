import {
  BufferAttribute, BufferGeometry, CanvasTexture, DoubleSide, Group, Mesh, MeshBasicMaterial, Points, PointsMaterial,
  ShapeUtils, Vector2,
} from "three";
import { LineMaterial } from "three/examples/jsm/lines/LineMaterial.js";
import { LineSegments2 } from "three/examples/jsm/lines/LineSegments2.js";
import { LineSegmentsGeometry } from "three/examples/jsm/lines/LineSegmentsGeometry.js";
import type { Heights } from "./terrain";
import type { Shape } from "./types";

const LIFT_M = 0.7;
const STEP_M = 5;
const MOST_PIECES = 60_000;
const MOST_TRIANGLES = 40_000;

type Disposable = { dispose(): void };

/** Points, lines and areas that tools draw into the scene, each set under a name. */
export class Sketch {
  readonly group = new Group();
  private readonly sets = new Map<string, { group: Group; parts: Disposable[] }>();
  private disc: CanvasTexture | null = null;

  constructor(private readonly heights: Heights, private readonly origin: readonly [number, number, number]) {}

  set(name: string, shapes: readonly Shape[] | null): void {
    const old = this.sets.get(name);
    if (old) {
      this.group.remove(old.group);
      for (const part of old.parts) part.dispose();
      this.sets.delete(name);
    }
    if (!shapes?.length) return;
    const set = { group: new Group(), parts: [] as Disposable[] };
    const looks = new Map<string, Shape[]>();
    for (const shape of shapes) {
      const look = `${shape.colour} ${shape.width ?? 3} ${shape.through ?? true}`;
      looks.set(look, [...(looks.get(look) ?? []), shape]);
    }
    const length = shapes.reduce((sum, shape) => sum + (shape.kind === "point" ? 0 : this.lengthOf(shape)), 0);
    const step = Math.max(STEP_M, length / MOST_PIECES);
    for (const alike of looks.values()) this.draw(alike, step, set);
    this.sets.set(name, set);
    this.group.add(set.group);
  }

  dispose(): void {
    for (const name of [...this.sets.keys()]) this.set(name, null);
    this.disc?.dispose();
  }

  private draw(shapes: Shape[], step: number, set: { group: Group; parts: Disposable[] }): void {
    const { colour, width = 3, through = true } = shapes[0]!;
    const lines: number[] = [];
    const points: number[] = [];
    for (const shape of shapes) {
      if (shape.kind === "point") points.push(...this.local(shape.points));
      else for (const ring of [shape.points, ...(shape.holes ?? [])]) this.segments(this.local(ring), shape.kind === "area", step, lines);
    }
    if (lines.length) {
      const geometry = new LineSegmentsGeometry().setPositions(lines);
      set.parts.push(geometry);
      for (const front of through ? [true, false] : [true]) {
        const material = new LineMaterial({ color: colour, linewidth: front ? width : width * 0.6, fog: false, transparent: !front, opacity: front ? 1 : 0.35, depthTest: front, depthWrite: front });
        if (front) Object.assign(material, { polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -8 });
        const line = new LineSegments2(geometry, material);
        line.renderOrder = front ? 6 : 7;
        line.frustumCulled = false;
        set.parts.push(material);
        set.group.add(line);
      }
    }
    const fills = shapes.filter(({ kind }) => kind === "area");
    if (fills.length) this.fill(fills, colour, set);
    if (points.length) {
      const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(new Float32Array(points), 3));
      this.disc ??= disc();
      const material = new PointsMaterial({ color: colour, size: 5 + 2 * width, sizeAttenuation: false, map: this.disc, transparent: true, alphaTest: 0.2, depthTest: false, fog: false });
      const dots = new Points(geometry, material);
      dots.renderOrder = 8;
      dots.frustumCulled = false;
      set.parts.push(geometry, material);
      set.group.add(dots);
    }
  }

  private fill(shapes: Shape[], colour: string, set: { group: Group; parts: Disposable[] }): void {
    const positions: number[] = [];
    const flat = shapes.map((shape) => [shape.points, ...(shape.holes ?? [])].map((ring) => opened(this.local(ring))));
    const area = flat.reduce((sum, [outer]) => sum + Math.abs(ShapeUtils.area(pairs(outer!))), 0);
    const step = Math.max(STEP_M, Math.sqrt(area / MOST_TRIANGLES) * 2);
    for (const rings of flat) {
      const [outer, ...holes] = rings.map(pairs);
      const all = [outer!, ...holes].flat();
      const heights = rings.flatMap((ring) => ring.filter((_, i) => i % 3 === 1));
      const drape = shapes[flat.indexOf(rings)]!.points;
      const onGround = Number.isNaN(drape[2]);
      for (const [a, b, c] of ShapeUtils.triangulateShape(outer!, holes) as [number, number, number][]) {
        const corner = (i: number): [number, number, number] => [all[i]!.x, heights[i]!, all[i]!.y];
        if (onGround) this.divide(corner(a), corner(b), corner(c), step, positions);
        else positions.push(...corner(a), ...corner(b), ...corner(c));
      }
    }
    const geometry = new BufferGeometry().setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
    const material = new MeshBasicMaterial({ color: colour, transparent: true, opacity: 0.28, depthWrite: false, side: DoubleSide, fog: false, polygonOffset: true, polygonOffsetFactor: -3, polygonOffsetUnits: -6 });
    const mesh = new Mesh(geometry, material);
    mesh.renderOrder = 4;
    mesh.frustumCulled = false;
    set.parts.push(geometry, material);
    set.group.add(mesh);
  }

  /** Cut a triangle along its longest side until it follows the ground. */
  private divide(a: [number, number, number], b: [number, number, number], c: [number, number, number], step: number, out: number[]): void {
    const sides = [Math.hypot(a[0] - b[0], a[2] - b[2]), Math.hypot(b[0] - c[0], b[2] - c[2]), Math.hypot(c[0] - a[0], c[2] - a[2])];
    const longest = Math.max(...sides);
    if (longest <= step || out.length > 9 * 2 * MOST_TRIANGLES) {
      out.push(...a, ...b, ...c);
      return;
    }
    const [p, q, r] = longest === sides[0] ? [a, b, c] : longest === sides[1] ? [b, c, a] : [c, a, b];
    const [x, z] = [(p[0] + q[0]) / 2, (p[2] + q[2]) / 2];
    const middle: [number, number, number] = [x, this.heights.at(x, z) + LIFT_M, z];
    this.divide(p, middle, r, step, out);
    this.divide(middle, q, r, step, out);
  }

  /** From east, north, height into the scene. */
  private local(points: ArrayLike<number>): number[] {
    const [east, north, height] = this.origin;
    const found: number[] = [];
    for (let i = 0; i + 2 < points.length; i += 3) {
      const [x, z] = [points[i]! - east, north - points[i + 1]!];
      found.push(x, Number.isNaN(points[i + 2]) ? this.heights.at(x, z) + LIFT_M : points[i + 2]! - height, z);
    }
    return found;
  }

  private lengthOf({ points }: Shape): number {
    let sum = 0;
    for (let i = 3; i + 2 < points.length; i += 3) sum += Math.hypot(points[i]! - points[i - 3]!, points[i + 1]! - points[i - 2]!);
    return sum;
  }

  /** Pairs of points along a line or ring; those on the ground follow it. */
  private segments(at: number[], closed: boolean, step: number, out: number[]): void {
    const count = at.length / 3;
    for (let i = 0; i + 1 < count + (closed ? 1 : 0); i++) {
      const [from, to] = [at.slice(3 * i, 3 * i + 3), at.slice(3 * ((i + 1) % count), 3 * ((i + 1) % count) + 3)];
      const onGround = [from, to].every(([x, y, z]) => Math.abs(y! - this.heights.at(x!, z!) - LIFT_M) < 0.01);
      const pieces = onGround ? Math.max(1, Math.ceil(Math.hypot(to[0]! - from[0]!, to[2]! - from[2]!) / step)) : 1;
      let last = from;
      for (let k = 1; k <= pieces; k++) {
        const share = k / pieces;
        const next = [0, 1, 2].map((axis) => from[axis]! + (to[axis]! - from[axis]!) * share);
        if (onGround && k < pieces) next[1] = this.heights.at(next[0]!, next[2]!) + LIFT_M;
        out.push(...last, ...next);
        last = next;
      }
    }
  }
}

/** A ring without its first point at the end. */
const opened = (ring: number[]): number[] => {
  const last = ring.length - 3;
  return last > 0 && ring[0] === ring[last] && ring[2] === ring[last + 2] ? ring.slice(0, last) : ring;
};

const pairs = (ring: number[]): Vector2[] => {
  const found: Vector2[] = [];
  for (let i = 0; i < ring.length; i += 3) found.push(new Vector2(ring[i]!, ring[i + 2]!));
  return found;
};

/** A white disc with a dark rim, tinted by the material. */
function disc(): CanvasTexture {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d")!;
  pen.arc(32, 32, 29, 0, 2 * Math.PI);
  pen.fillStyle = "#fff";
  pen.fill();
  return new CanvasTexture(canvas);
}
