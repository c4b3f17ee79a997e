import {
  BufferAttribute, BufferGeometry, DataTexture, FloatType, Group, Mesh, MeshLambertMaterial, NearestFilter, type PerspectiveCamera,
  RedFormat, Vector3,
} from "three";
import { dense } from "./lines";
import type { Heights } from "./terrain";
import { MISSING, type Values } from "./values";

const STEP = 10;
const OVER_GROUND = 0.35;
const WIDTH = 2048;
/** How far from a line the pointer may be. [px] */
const REACH_PX = 9;
/** Across a line: place from -1 to 1, and height above the ground as a share of the half width. */
const ARCH = [[-1, 0], [-0.7, 0.5], [0, 0.72], [0.7, 0.5], [1, 0]] as const;
const GHOST = 0.4;

/** Lines on the ground as low arches, coloured by a value of each on the buildings' scale, faint behind what covers them. */
export class Pipes {
  readonly group = new Group();
  private readonly geometry = new BufferGeometry();
  private readonly solid: MeshLambertMaterial;
  private readonly ghost: MeshLambertMaterial;
  private readonly uniforms;
  private readonly points: Vector3[] = [];
  private readonly owner: number[] = [];
  private readonly count: number;

  /** `points`: x and z in turn, a pair of nan behind each line. */
  constructor(points: ArrayLike<number>, widths: ArrayLike<number>, heights: Heights, values: Values) {
    this.count = widths.length;
    this.uniforms = {
      uLines: { value: texture(this.count) },
      uPalette: values.uniforms.uPalette,
      uScale: values.uniforms.uScale,
      uMarked: { value: -1 },
    };
    this.build(points, widths, heights);
    this.solid = this.material(false);
    this.ghost = this.material(true);
    const [front, behind] = [new Mesh(this.geometry, this.solid), new Mesh(this.geometry, this.ghost)];
    behind.renderOrder = 8;
    front.renderOrder = 9;
    for (const mesh of [front, behind]) {
      mesh.frustumCulled = false;
      this.group.add(mesh);
    }
    this.group.visible = false;
  }

  /** A value for each line; null hides them. */
  set(values: ArrayLike<number> | null): void {
    this.group.visible = values !== null && this.count > 0;
    if (values === null) return;
    if (values.length !== this.count) throw new Error(`${values.length} values given, ${this.count} lines expected`);
    const data = this.uniforms.uLines.value.image.data as Float32Array;
    for (let i = 0; i < this.count; i++) data[i] = Number.isNaN(values[i]!) ? MISSING : values[i]!;
    this.uniforms.uLines.value.needsUpdate = true;
  }

  mark(line: number | null): void {
    this.uniforms.uMarked.value = line ?? -1;
  }

  /** The line nearest to a point of the picture [px], within reach, and how far it is from the camera; or null. */
  at(x: number, y: number, camera: PerspectiveCamera, width: number, height: number): { line: number; place: Vector3 } | null {
    if (!this.group.visible) return null;
    let best = REACH_PX;
    let found: { line: number; place: Vector3 } | null = null;
    let before: { x: number; y: number; behind: boolean } | null = null;
    const at = new Vector3();
    for (let i = 0; i < this.points.length; i++) {
      at.copy(this.points[i]!).project(camera);
      const now = { x: ((at.x + 1) / 2) * width, y: ((1 - at.y) / 2) * height, behind: at.z > 1 };
      if (i && before && this.owner[i] === this.owner[i - 1] && !now.behind && !before.behind) {
        const [dx, dy] = [now.x - before.x, now.y - before.y];
        const share = Math.min(1, Math.max(0, ((x - before.x) * dx + (y - before.y) * dy) / (dx * dx + dy * dy || 1)));
        const away = Math.hypot(before.x + share * dx - x, before.y + share * dy - y);
        if (away < best) {
          best = away;
          found = { line: this.owner[i]!, place: this.points[i - 1]!.clone().lerp(this.points[i]!, share) };
        }
      }
      before = now;
    }
    return found;
  }

  /** Where the middle of a line lies. */
  middle(line: number): Vector3 | null {
    const own = this.points.filter((_, i) => this.owner[i] === line);
    return own.length ? own[Math.floor(own.length / 2)]!.clone() : null;
  }

  dispose(): void {
    this.geometry.dispose();
    this.solid.dispose();
    this.ghost.dispose();
    this.uniforms.uLines.value.dispose();
  }

  private build(flat: ArrayLike<number>, widths: ArrayLike<number>, heights: Heights): void {
    const positions: number[] = [];
    const lines: number[] = [];
    const index: number[] = [];
    let line = 0;
    let course: number[] = [];
    for (let i = 0; i < flat.length; i += 2) {
      if (!Number.isNaN(flat[i]!)) {
        course.push(flat[i]!, flat[i + 1]!);
        continue;
      }
      if (course.length > 2) this.arch(dense(course, STEP), widths[line]! / 2, line, heights, positions, lines, index);
      course = [];
      line++;
    }
    this.geometry.setAttribute("position", new BufferAttribute(new Float32Array(positions), 3));
    this.geometry.setAttribute("line", new BufferAttribute(new Float32Array(lines), 1));
    this.geometry.setIndex(index);
    this.geometry.computeVertexNormals();
  }

  private arch(
    points: [number, number][], half: number, line: number, heights: Heights, positions: number[], lines: number[], index: number[],
  ): void {
    const across = ARCH.length;
    points.forEach(([x, z], i) => {
      const [ax, az] = points[Math.max(i - 1, 0)]!;
      const [bx, bz] = points[Math.min(i + 1, points.length - 1)]!;
      const length = Math.hypot(bx - ax, bz - az) || 1;
      const [nx, nz] = [-(bz - az) / length, (bx - ax) / length];
      const ground = heights.at(x, z) + OVER_GROUND;
      this.points.push(new Vector3(x, ground, z));
      this.owner.push(line);
      for (const [aside, rise] of ARCH) {
        const [px, pz] = [x + nx * aside * half, z + nz * aside * half];
        positions.push(px, Math.max(ground, heights.at(px, pz) + OVER_GROUND) + rise * half, pz);
        lines.push(line);
      }
      if (!i) return;
      const v = positions.length / 3 - 2 * across;
      for (let k = 0; k < across - 1; k++)
        index.push(v + k, v + k + 1, v + k + across, v + k + 1, v + k + across + 1, v + k + across);
    });
  }

  private material(ghost: boolean): MeshLambertMaterial {
    const material = new MeshLambertMaterial(
      ghost ? { transparent: true, opacity: GHOST, depthTest: false, depthWrite: false }
        : { polygonOffset: true, polygonOffsetFactor: -4, polygonOffsetUnits: -8 },
    );
    material.onBeforeCompile = (shader) => {
      Object.assign(shader.uniforms, this.uniforms);
      shader.vertexShader = shader.vertexShader
        .replace("#include <common>", "#include <common>\nattribute float line;\nflat varying int vLine;")
        .replace("#include <project_vertex>", "#include <project_vertex>\nvLine = int(line + 0.5);");
      shader.fragmentShader = shader.fragmentShader
        .replace("#include <common>", `#include <common>\n${HEAD}`)
        .replace("#include <color_fragment>", COLOUR)
        .replace("#include <emissivemap_fragment>", "totalEmissiveRadiance += diffuseColor.rgb * 0.3;");
    };
    return material;
  }
}

const HEAD = /* glsl */ `
flat varying int vLine;
uniform highp sampler2D uLines;
uniform sampler2D uPalette;
uniform vec4 uScale;
uniform float uMarked;
`;

const COLOUR = /* glsl */ `
float value = texelFetch(uLines, ivec2(vLine % ${WIDTH}, vLine / ${WIDTH}), 0).r;
float share = clamp(((uScale.z > 0.5 ? log(max(value, 1e-30)) : value) - uScale.x) / (uScale.y - uScale.x), 0.0, 1.0);
diffuseColor.rgb = value < -1e38 ? vec3(0.55) : texture2D(uPalette, vec2(share * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
if (abs(float(vLine) - uMarked) < 0.5) diffuseColor.rgb = mix(diffuseColor.rgb, vec3(1.0), 0.45);
`;

function texture(count: number): DataTexture {
  const rows = Math.max(1, Math.ceil(count / WIDTH));
  const made = new DataTexture(new Float32Array(WIDTH * rows).fill(MISSING), WIDTH, rows, RedFormat, FloatType);
  made.minFilter = made.magFilter = NearestFilter;
  return made;
}
