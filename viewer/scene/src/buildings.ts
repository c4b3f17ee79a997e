import {
  BufferAttribute, BufferGeometry, Color, DataTexture, DoubleSide, FloatType, Group, LineBasicMaterial, LineSegments, Mesh,
  MeshLambertMaterial, NearestFilter, RedFormat, RGBAFormat, UnsignedByteType,
} from "three";
import { FRAGMENT_COLOUR, FRAGMENT_GLOW, FRAGMENT_HEAD, VERTEX_BODY, VERTEX_HEAD } from "./facade";
import type { BuildingMesh } from "./load";
import type { Manifest } from "./types";
import { Values } from "./values";

const WIDTH = 2048;
export const ACCENT = 0x0096c7;

/** All buildings as one mesh; values, selection and hovering change uniforms only. */
export class Buildings {
  readonly group = new Group();
  readonly values: Values;
  /** What the left side of a comparison shows; `values` are the right one's. */
  readonly left: Values;
  readonly uniforms;
  private readonly info: DataTexture;
  private readonly listed: DataTexture;
  private readonly material: MeshLambertMaterial;
  private readonly edgeMaterial: LineBasicMaterial;
  private readonly edges: LineSegments;

  constructor(readonly mesh: BuildingMesh, manifest: Manifest) {
    const count = manifest.buildings.id.length;
    this.values = new Values(count);
    this.left = new Values(count);
    this.info = infoTexture(manifest);
    this.listed = listTexture(count);
    this.uniforms = {
      ...this.values.uniforms,
      uLeft: this.left.uniforms.uValues,
      uLeftFrame: this.left.uniforms.uFrame,
      /** Pixels from the left edge up to which the left side shows. */
      uSwipe: { value: 0 },
      uInfo: { value: this.info },
      uListed: { value: this.listed },
      uMarked: { value: [-1, -1, -1, 0] as [number, number, number, number] },
      uAccent: { value: new Color(ACCENT) },
      uMissing: { value: new Color("#c3c7cb") },
      uSkyTint: { value: new Color("#a9c4da") },
      uNight: { value: 0 },
    };
    this.material = this.solidMaterial();
    const solid = new Mesh(mesh.geometry, this.material);
    solid.castShadow = true;
    solid.receiveShadow = true;
    this.edgeMaterial = new LineBasicMaterial({ color: 0x1b2226, transparent: true, opacity: 0.3, depthWrite: false });
    this.edges = new LineSegments(edgeGeometry(mesh), this.edgeMaterial);
    this.edges.renderOrder = 1;
    for (const part of [solid, this.edges]) {
      part.position.set(...mesh.translation);
      part.scale.setScalar(mesh.scale);
      part.updateMatrix();
      part.matrixAutoUpdate = false;
      this.group.add(part);
    }
  }

  mark(hovered: number | null, selected: number | null, block: number | null, list: readonly number[] | null): void {
    this.uniforms.uMarked.value = [hovered ?? -1, selected ?? -1, block ?? -1, list ? 1 : 0];
  }

  list(rows: readonly number[]): void {
    const data = this.listed.image.data as Uint8Array;
    data.fill(0);
    for (const row of rows) data[row] = 255;
    this.listed.needsUpdate = true;
  }

  /** Edges fade where they would be denser than the picture's pixels. */
  setDistance(metres: number): void {
    this.edgeMaterial.opacity = 0.34 * Math.min(1, Math.max(0.16, 420 / Math.max(metres, 1)));
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.edges.geometry.dispose();
    this.material.dispose();
    this.edgeMaterial.dispose();
    this.info.dispose();
    this.listed.dispose();
    this.values.dispose();
    this.left.dispose();
  }

  private solidMaterial(): MeshLambertMaterial {
    const material = new MeshLambertMaterial({ side: DoubleSide, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 });
    material.onBeforeCompile = (shader) => {
      Object.assign(shader.uniforms, this.uniforms);
      shader.vertexShader = shader.vertexShader
        .replace("#include <common>", `#include <common>\n${VERTEX_HEAD}`)
        .replace("#include <project_vertex>", `#include <project_vertex>\n${VERTEX_BODY}`);
      shader.fragmentShader = shader.fragmentShader
        .replace("#include <common>", `#include <common>\n${FRAGMENT_HEAD}`)
        .replace("#include <color_fragment>", FRAGMENT_COLOUR)
        .replace("#include <emissivemap_fragment>", FRAGMENT_GLOW);
    };
    return material;
  }
}

function edgeGeometry(mesh: BuildingMesh): BufferGeometry {
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", mesh.geometry.getAttribute("position"));
  geometry.setIndex(new BufferAttribute(mesh.edges, 1));
  return geometry;
}

function infoTexture(manifest: Manifest): DataTexture {
  const { base, storey, style, block } = manifest.buildings;
  const rows = Math.max(1, Math.ceil(base.length / WIDTH));
  const data = new Float32Array(WIDTH * rows * 4);
  for (let i = 0; i < base.length; i++) data.set([base[i]!, storey[i]!, style[i]!, block[i]!], 4 * i);
  const texture = new DataTexture(data, WIDTH, rows, RGBAFormat, FloatType);
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}

function listTexture(count: number): DataTexture {
  const rows = Math.max(1, Math.ceil(count / WIDTH));
  const texture = new DataTexture(new Uint8Array(WIDTH * rows), WIDTH, rows, RedFormat, UnsignedByteType);
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}
