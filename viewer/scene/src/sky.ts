import { BufferAttribute, BufferGeometry, Color, Matrix4, Mesh, type PerspectiveCamera, ShaderMaterial, Vector3 } from "three";

export interface Weather {
  zenith: Color;
  horizon: Color;
  sun: Color;
  sunStrength: number;
  sky: Color;
  ground: Color;
  skyStrength: number;
  /** 0 by day, 1 at night. */
  night: number;
}

const mixed = (a: string, b: string, share: number): Color =>
  new Color(a).lerp(new Color(b), Math.min(Math.max(share, 0), 1));

/** Light on the ground of a bright day, to which eyes adapt in part. */
const BRIGHT = 3.1;

/** Light and colours of a clear sky by the sun's elevation. [deg] */
export function weather(elevation: number): Weather {
  const day = Math.min(Math.max((elevation + 4) / 16, 0), 1);
  const high = Math.min(Math.max(elevation / 35, 0), 1);
  const dusk = Math.exp(-(((elevation - 1) / 7) ** 2));
  const rise = Math.min(Math.max((elevation + 0.8) / 4, 0), 1);
  const sunStrength = rise * (1.3 + 1.65 * high);
  const skyStrength = 0.5 + 1.1 * day - 0.25 * high;
  const level = sunStrength * Math.max(Math.sin((elevation * Math.PI) / 180), 0) + skyStrength;
  const exposure = 1 + day * ((BRIGHT / level) ** 0.6 - 1);
  const horizon = mixed("#1d2a3e", "#dbe7ee", day).lerp(new Color("#f0b58a"), dusk * 0.55);
  return {
    zenith: mixed("#0f1b31", "#6fa3d4", day).lerp(new Color("#5d7fb0"), dusk * 0.3),
    horizon,
    sun: mixed("#ff9a55", "#fff1dd", high ** 0.6),
    sunStrength: sunStrength * exposure,
    sky: mixed("#7f97bd", "#e3eefb", day),
    ground: mixed("#4a5263", "#a39c8c", day),
    skyStrength: skyStrength * exposure,
    night: 1 - Math.min(Math.max((elevation + 7) / 9, 0), 1),
  };
}

/** A gradient behind everything, drawn last of the solid things, with the sun's glow. */
export class Sky {
  readonly mesh: Mesh<BufferGeometry, ShaderMaterial>;
  private readonly uniforms = {
    uUnproject: { value: new Matrix4() },
    uZenith: { value: new Color() },
    uHorizon: { value: new Color() },
    uSun: { value: new Color() },
    uTowards: { value: new Vector3(0, 1, 0) },
    uGlow: { value: 0 },
  };

  constructor() {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(new Float32Array([-1, -1, 0, 3, -1, 0, -1, 3, 0]), 3));
    const material = new ShaderMaterial({
      uniforms: this.uniforms, depthWrite: false, fog: false, vertexShader: VERTEX, fragmentShader: FRAGMENT,
    });
    this.mesh = new Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.mesh.renderOrder = 3;
  }

  set(weather: Weather, towards: Vector3): void {
    this.uniforms.uZenith.value.copy(weather.zenith);
    this.uniforms.uHorizon.value.copy(weather.horizon);
    this.uniforms.uSun.value.copy(weather.sun);
    this.uniforms.uTowards.value.copy(towards);
    this.uniforms.uGlow.value = 1 - weather.night;
  }

  look(camera: PerspectiveCamera): void {
    this.uniforms.uUnproject.value.copy(camera.matrixWorld).multiply(camera.projectionMatrixInverse);
  }

  dispose(): void {
    this.mesh.geometry.dispose();
    this.mesh.material.dispose();
  }
}

const VERTEX = /* glsl */ `
uniform mat4 uUnproject;
varying vec3 vFar;
void main() {
  vec4 far = uUnproject * vec4(position.xy, 1.0, 1.0);
  vec4 near = uUnproject * vec4(position.xy, -1.0, 1.0);
  vFar = far.xyz / far.w - near.xyz / near.w;
  gl_Position = vec4(position.xy, 0.999999, 1.0);
}`;

const FRAGMENT = /* glsl */ `
uniform vec3 uZenith;
uniform vec3 uHorizon;
uniform vec3 uSun;
uniform vec3 uTowards;
uniform float uGlow;
varying vec3 vFar;
void main() {
  vec3 ray = normalize(vFar);
  float up = max(ray.y, 0.0);
  vec3 colour = mix(uHorizon, uZenith, 1.0 - pow(1.0 - up, 3.2));
  float facing = max(dot(ray, normalize(uTowards)), 0.0);
  colour += uSun * uGlow * (0.18 * pow(facing, 12.0) + 0.9 * smoothstep(0.99985, 0.99993, facing));
  gl_FragColor = vec4(colour, 1.0);
  #include <colorspace_fragment>
}`;
