import { BufferAttribute, BufferGeometry, Color, DoubleSide, Group, Mesh, MeshBasicMaterial, Vector3 } from "three";
import type { Walls } from "./types";

/** How far before its wall a colour lies, so that it covers it: more than a position's rounding. [m] */
const BEFORE_M = 0.06;
/** Light from one side, as weak as keeps the colours those of the legend, so that corners are seen. */
const FROM = new Vector3(0.55, 0.5, 0.67).normalize();
const LEAST = 0.86;

/** Colours laid on single walls, as a raster is laid on the ground. */
export class WallColours {
  readonly group = new Group();

  constructor(private readonly origin: readonly [number, number, number]) {}

  set(walls: Walls | null): void {
    for (const mesh of this.group.children.splice(0) as Mesh<BufferGeometry, MeshBasicMaterial>[]) {
      mesh.geometry.dispose();
      mesh.material.dispose();
    }
    if (walls?.points.length) this.group.add(this.mesh(walls));
  }

  private mesh({ corner, points, counts, colours }: Walls): Mesh {
    const triangles = points.length / 9;
    const total = counts.reduce((sum, count) => sum + count, 0);
    if (total !== triangles) throw new Error(`${triangles} triangles given, ${total} counted`);
    const [east, north, height] = corner.map((value, axis) => value - this.origin[axis]!) as [number, number, number];
    const positions = new Float32Array(points.length);
    const shades = new Float32Array(points.length);
    const colour = counts.flatMap((count, i) => new Array<Color>(count).fill(new Color().setStyle(colours[i]!)));
    const [a, b, c, side] = [new Vector3(), new Vector3(), new Vector3(), new Vector3()];
    for (let t = 0; t < triangles; t++) {
      [a, b, c].forEach((point, k) => {
        const at = 9 * t + 3 * k;
        point.set(east + points[at]!, height + points[at + 2]!, -north - points[at + 1]!);
      });
      const normal = b.clone().sub(a).cross(side.subVectors(c, a)).normalize();
      const light = LEAST + (1 - LEAST) * Math.max(0, normal.dot(FROM));
      const { r, g, b: blue } = colour[t]!;
      [a, b, c].forEach((point, k) => {
        point.addScaledVector(normal, BEFORE_M).toArray(positions, 9 * t + 3 * k);
        shades.set([r * light, g * light, blue * light], 9 * t + 3 * k);
      });
    }
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(positions, 3));
    geometry.setAttribute("color", new BufferAttribute(shades, 3));
    return new Mesh(geometry, new MeshBasicMaterial({ vertexColors: true, side: DoubleSide }));
  }
}
