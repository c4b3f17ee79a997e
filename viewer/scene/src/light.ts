import {
  DirectionalLight, HemisphereLight, Matrix4, type PerspectiveCamera, Quaternion, Vector3,
} from "three";
import type { Heights } from "./terrain";
import type { Weather } from "./sky";

const TALLEST_M = 80;
const RADIUS = 1.6;

/** The sun as one light whose shadow map covers what the camera sees, and the light of the sky. */
export class Light {
  readonly sun = new DirectionalLight();
  readonly sky = new HemisphereLight();
  readonly towards = new Vector3(0.4, 0.75, 0.55).normalize();
  private readonly turn = new Quaternion();
  private readonly into = new Matrix4();

  constructor(mapSize: number) {
    this.sun.shadow.mapSize.set(mapSize, mapSize);
    this.sun.shadow.autoUpdate = false;
    this.sun.shadow.radius = RADIUS;
    this.sun.shadow.bias = -0.0004;
  }

  set(towards: Vector3, weather: Weather): void {
    this.towards.copy(towards);
    this.sun.color.copy(weather.sun);
    this.sun.intensity = weather.sunStrength;
    this.sky.color.copy(weather.sky);
    this.sky.groundColor.copy(weather.ground);
    this.sky.intensity = weather.skyStrength;
  }

  get strong(): boolean {
    return this.sun.intensity > 0.05 && this.towards.y > 0.01;
  }

  /**
   * Fit the shadow map to the ground in view, up to `reach` metres away; the next picture draws it anew.
   * The map moves by whole texels, so that edges do not swim; the offset along the normal grows with the
   * texel and with how low the sun stands, since both make one texel span more depth.
   */
  fit(camera: PerspectiveCamera, heights: Heights, reach: number): void {
    const up = Math.abs(this.towards.y) > 0.99 ? new Vector3(0, 0, 1) : new Vector3(0, 1, 0);
    this.into.lookAt(this.towards, new Vector3(), up);
    this.turn.setFromRotationMatrix(this.into);
    const back = this.turn.clone().invert();
    const low = new Vector3(Infinity, Infinity, Infinity);
    const high = low.clone().negate();
    for (const corner of groundInView(camera, heights, reach)) {
      for (const rise of [-3, TALLEST_M * 0.6]) {
        const point = corner.clone();
        point.y += rise;
        point.applyQuaternion(back);
        low.min(point);
        high.max(point);
      }
    }
    const half = (Math.ceil(Math.max(high.x - low.x, high.y - low.y) / 8) * 8) / 2 + 4;
    const texel = (2 * half) / this.sun.shadow.mapSize.x;
    const middle = low.clone().add(high).multiplyScalar(0.5);
    middle.x = Math.round(middle.x / texel) * texel;
    middle.y = Math.round(middle.y / texel) * texel;
    const run = TALLEST_M / Math.max(this.towards.y, 0.08) + (heights.highest - heights.lowest);
    const depth = high.z - low.z + run + 40;
    middle.z = high.z + run;
    const shadow = this.sun.shadow.camera;
    [shadow.left, shadow.right, shadow.bottom, shadow.top] = [-half, half, -half, half];
    [shadow.near, shadow.far] = [1, depth];
    shadow.updateProjectionMatrix();
    this.sun.position.copy(middle.applyQuaternion(this.turn));
    this.sun.target.position.copy(this.sun.position).sub(this.towards);
    this.sun.target.updateMatrixWorld();
    this.sun.updateMatrixWorld();
    this.sun.shadow.normalBias = texel * (0.5 + (0.7 * Math.sqrt(1 - this.towards.y ** 2)) / Math.max(this.towards.y, 0.12));
    this.sun.shadow.bias = -0.15 / depth;
    this.sun.shadow.needsUpdate = true;
  }

  dispose(): void {
    this.sun.dispose();
    this.sky.dispose();
  }
}

/** Points of the terrain in view, none further from the camera than `reach`. */
function groundInView(camera: PerspectiveCamera, heights: Heights, reach: number): Vector3[] {
  const eye = camera.position;
  const [west, south, east, north] = heights.extent;
  const found: Vector3[] = [];
  for (const x of [-1, 0, 1]) {
    for (const y of [-1, -0.5, 0, 0.5, 1]) {
      const ray = new Vector3(x, y, 0.5).unproject(camera).sub(eye).normalize();
      const floor = heights.at(eye.x + ray.x * reach * 0.5, eye.z + ray.z * reach * 0.5);
      const falls = ray.y < -0.001 ? (floor - eye.y) / ray.y : Infinity;
      const point = eye.clone().addScaledVector(ray, Math.min(Math.max(falls, 1), reach));
      point.x = Math.min(Math.max(point.x, west), east);
      point.z = Math.min(Math.max(point.z, -north), -south);
      point.y = heights.at(point.x, point.z);
      found.push(point);
    }
  }
  return found;
}
