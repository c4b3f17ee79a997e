import {
  BufferAttribute, BufferGeometry, type Camera, Color, CylinderGeometry, DynamicDrawUsage, Frustum, Group,
  IcosahedronGeometry, InstancedMesh, Matrix4, MeshLambertMaterial, OctahedronGeometry, Sphere, Vector3,
} from "three";
import { mergeGeometries } from "three/examples/jsm/utils/BufferGeometryUtils.js";
import type { Heights } from "./terrain";

const FAR_M = 8000;
/** How far each shape is drawn, and how many of it at most. */
const LEVELS = [{ to: 110, most: 400 }, { to: 320, most: 1500 }, { to: 900, most: Infinity }, { to: Infinity, most: Infinity }];
const LEAVES = ["#5d7a3a", "#6b8540", "#4f6f37", "#768c48", "#587a45", "#698046"];
const NEEDLES = ["#3c5a3c", "#466548", "#34523a"];

/** Trees of three shapes, each in four grades from a fine crown with trunk to eight triangles. */
export class Trees {
  readonly group = new Group();
  private readonly x: Float32Array;
  private readonly y: Float32Array;
  private readonly z: Float32Array;
  private readonly height: Float32Array;
  private readonly crown: Float32Array;
  private readonly kind: Uint8Array;
  private readonly tint: Color[];
  private readonly meshes: InstancedMesh[][] = [];
  private readonly material = new MeshLambertMaterial({ vertexColors: true });
  private readonly frustum = new Frustum();
  private readonly matrix = new Matrix4();
  private readonly ball = new Sphere();

  constructor(data: Uint16Array, heights: Heights) {
    const count = data.length / 5;
    const [west, south, east, north] = heights.extent;
    [this.x, this.y, this.z] = [new Float32Array(count), new Float32Array(count), new Float32Array(count)];
    [this.height, this.crown] = [new Float32Array(count), new Float32Array(count)];
    this.kind = new Uint8Array(count);
    this.tint = [];
    for (let i = 0; i < count; i++) {
      this.x[i] = west + ((east - west) * data[5 * i]!) / 65535;
      this.z[i] = -north + ((north - south) * data[5 * i + 1]!) / 65535;
      this.y[i] = heights.at(this.x[i]!, this.z[i]!) - 0.1;
      this.height[i] = data[5 * i + 2]! / 10;
      this.crown[i] = data[5 * i + 3]! / 10;
      this.kind[i] = Math.min(data[5 * i + 4]!, 2);
      const shades = this.kind[i] === 1 ? NEEDLES : LEAVES;
      this.tint.push(new Color(shades[(i * 7 + (i >> 3)) % shades.length]!));
    }
    for (let kind = 0; kind < 3; kind++) {
      const total = this.kind.reduce((sum, value) => sum + (value === kind ? 1 : 0), 0);
      const shapes = [nearShape(kind, 2), nearShape(kind, 1), crownShape(kind, 0), crownShape(kind, -1)];
      this.meshes.push(shapes.map((shape, level) => this.instances(shape, Math.min(total, LEVELS[level]!.most))));
    }
  }

  get count(): number {
    return this.x.length;
  }

  /** Sort the trees in view into near and far; `reach` is how far away shadows may come from. */
  update(camera: Camera, reach: number): void {
    this.matrix.multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse);
    this.frustum.setFromProjectionMatrix(this.matrix);
    const eye = camera.position;
    const filled = this.meshes.map(() => LEVELS.map(() => 0));
    for (let i = 0; i < this.x.length; i++) {
      const away = Math.hypot(this.x[i]! - eye.x, this.y[i]! - eye.y, this.z[i]! - eye.z);
      if (away > FAR_M && this.height[i]! < 25) continue;
      this.ball.center.set(this.x[i]!, this.y[i]! + this.height[i]! / 2, this.z[i]!);
      this.ball.radius = this.height[i]! + reach;
      if (!this.frustum.intersectsSphere(this.ball)) continue;
      const levels = this.meshes[this.kind[i]!]!;
      const fill = filled[this.kind[i]!]!;
      const level = LEVELS.findIndex(({ to }, k) => away < to && fill[k]! < levels[k]!.instanceMatrix.count);
      this.place(levels[level]!, fill[level]!++, i);
    }
    this.meshes.forEach((levels, kind) =>
      levels.forEach((mesh, level) => {
        mesh.count = filled[kind]![level]!;
        mesh.visible = mesh.count > 0;
        mesh.instanceMatrix.needsUpdate = true;
        if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
      }),
    );
  }

  dispose(): void {
    for (const mesh of this.meshes.flat()) {
      mesh.geometry.dispose();
      mesh.dispose();
    }
    this.material.dispose();
  }

  private place(mesh: InstancedMesh, slot: number, i: number): void {
    const turn = i * 2.399;
    const [c, s] = [Math.cos(turn) * this.crown[i]!, Math.sin(turn) * this.crown[i]!];
    const a = mesh.instanceMatrix.array as Float32Array;
    a.set([c, 0, -s, 0, 0, this.height[i]!, 0, 0, s, 0, c, 0, this.x[i]!, this.y[i]!, this.z[i]!, 1], slot * 16);
    mesh.setColorAt(slot, this.tint[i]!);
  }

  private instances(geometry: BufferGeometry, most: number): InstancedMesh {
    const mesh = new InstancedMesh(geometry, this.material, Math.max(most, 1));
    mesh.instanceMatrix.setUsage(DynamicDrawUsage);
    mesh.frustumCulled = false;
    mesh.castShadow = true;
    mesh.receiveShadow = true;
    mesh.count = 0;
    mesh.visible = false;
    this.group.add(mesh);
    return mesh;
  }
}

const shade = (geometry: BufferGeometry, colour: (y: number) => [number, number, number]): BufferGeometry => {
  const position = geometry.getAttribute("position");
  const colours = new Float32Array(position.count * 3);
  for (let i = 0; i < position.count; i++) colours.set(colour(position.getY(i)), i * 3);
  geometry.setAttribute("color", new BufferAttribute(colours, 3));
  geometry.deleteAttribute("uv");
  return geometry;
};

/** A crown of height and width 1, standing on the ground at 0; detail -1 is the coarsest. */
function crownShape(kind: number, detail: number): BufferGeometry {
  const ball = detail < 0 ? new OctahedronGeometry(0.54) : new IcosahedronGeometry(0.5, detail);
  const position = ball.getAttribute("position");
  const point = new Vector3();
  for (let i = 0; i < position.count; i++) {
    point.fromBufferAttribute(position, i);
    const bump = detail > 0 ? 1 + 0.13 * Math.sin(point.x * 17 + point.y * 11) * Math.cos(point.z * 15 - point.y * 7) : 1;
    if (kind === 1) {
      const rise = point.y + 0.5;
      const width = 2.1 * (1 - rise) * Math.min(1, 4 * rise + 0.35);
      const flat = Math.hypot(point.x, point.z) || 1;
      point.set((point.x / flat) * 0.5 * Math.min(width, 1.05), 0.12 + rise * 0.88, (point.z / flat) * 0.5 * Math.min(width, 1.05));
    } else {
      const [low, high] = kind === 2 ? [0.1, 1] : [0.24, 1];
      point.multiplyScalar(bump);
      const belly = 1 - 0.18 * Math.max(point.y, 0);
      point.set(point.x * belly, (low + high) / 2 + point.y * (high - low), point.z * belly);
    }
    position.setXYZ(i, point.x, point.y, point.z);
  }
  ball.computeVertexNormals();
  smooth(ball);
  return shade(ball, (y) => {
    const light = 0.68 + 0.5 * Math.min(Math.max((y - 0.25) / 0.75, 0), 1);
    return [light, light, light];
  });
}

/** Normals as of a ball, softer than those of its facets. */
function smooth(ball: BufferGeometry): void {
  const position = ball.getAttribute("position");
  const normal = ball.getAttribute("normal");
  const point = new Vector3();
  const facet = new Vector3();
  for (let i = 0; i < position.count; i++) {
    point.set(position.getX(i), (position.getY(i) - 0.55) * 0.9, position.getZ(i)).normalize();
    facet.fromBufferAttribute(normal, i);
    point.lerp(facet, 0.2).normalize();
    normal.setXYZ(i, point.x, point.y, point.z);
  }
}

function nearShape(kind: number, detail: number): BufferGeometry {
  const trunk = new CylinderGeometry(0.028, 0.042, 0.42, 5, 1, true).toNonIndexed();
  trunk.translate(0, 0.2, 0);
  shade(trunk, () => [0.62, 0.46, 0.36]);
  return mergeGeometries([crownShape(kind, detail), trunk]);
}
