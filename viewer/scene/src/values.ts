import {
  ClampToEdgeWrapping, Color, DataTexture, FloatType, LinearFilter, NearestFilter, RedFormat, RGBAFormat,
  SRGBColorSpace, UnsignedByteType,
} from "three";
import type { PaletteOptions } from "./types";

const WIDTH = 2048;
const MOST_TEXELS = 1 << 22;
/** Stands for nan, which shaders may not keep. */
export const MISSING = -3e38;

const STEPS = 256;

/**
 * Values by frame and building in a texture that the shader looks up, and the palette.
 * Frames that do not fit at once wait here; the texture holds a window of them.
 */
export class Values {
  readonly uniforms = {
    uValues: { value: plain(1, 1) },
    uPalette: { value: palette(["#808080"], false) },
    /** First and second frame in the texture, share of the second, colouring on (1) or off (0). */
    uFrame: { value: [0, 0, 0, 0] as [number, number, number, number] },
    /** Lower and upper end of the scale, 1 if logarithmic, number of buildings. */
    uScale: { value: [0, 1, 0, 1] as [number, number, number, number] },
  };
  private all: Float32Array | null = null;
  private frames = 1;
  private frame = 0;
  private windowStart = 0;
  private windowFrames = 1;

  constructor(private readonly buildings: number) {
    this.uniforms.uScale.value[3] = buildings;
  }

  get active(): boolean {
    return this.all !== null;
  }

  get count(): number {
    return this.frames;
  }

  get at(): number {
    return this.frame;
  }

  set(values: ArrayLike<number> | null, frames: number): void {
    if (values !== null && values.length !== this.buildings * frames)
      throw new Error(`${values.length} values given, ${this.buildings} buildings × ${frames} frames expected`);
    this.uniforms.uFrame.value[3] = values === null ? 0 : 1;
    if (values === null) {
      this.all = null;
      return;
    }
    this.all = Float32Array.from(values, (value) => (Number.isNaN(value) ? MISSING : value));
    this.frames = frames;
    this.windowFrames = Math.min(frames, Math.max(2, Math.floor(MOST_TEXELS / Math.max(this.buildings, 1))));
    this.windowStart = 0;
    const rows = Math.max(1, Math.ceil((this.windowFrames * this.buildings) / WIDTH));
    const texture = this.uniforms.uValues.value;
    if (texture.image.width !== WIDTH || texture.image.height !== rows) {
      texture.dispose();
      this.uniforms.uValues.value = plain(WIDTH, rows);
    }
    this.fill();
    this.show(this.frame);
  }

  /** Frame by its number, between two a mixture; the last one stays until the next would begin. */
  show(frame: number): void {
    this.frame = frame < this.frames ? Math.max(frame, 0) : this.frames - 1;
    const first = Math.floor(this.frame);
    const second = Math.min(first + 1, this.frames - 1);
    if (first < this.windowStart || second >= this.windowStart + this.windowFrames) {
      this.windowStart = Math.min(first, this.frames - this.windowFrames);
      this.fill();
    }
    const frames = this.uniforms.uFrame.value;
    frames[0] = first - this.windowStart;
    frames[1] = second - this.windowStart;
    frames[2] = this.frame - first;
  }

  paint(colours: readonly string[], min: number, max: number, options: PaletteOptions = {}): void {
    if (!colours.length) throw new Error("A palette needs at least one colour");
    this.uniforms.uPalette.value.dispose();
    this.uniforms.uPalette.value = palette(colours, options.steps ?? false);
    const scale = this.uniforms.uScale.value;
    const log = Boolean(options.log) && min > 0 && max > 0;
    scale[0] = log ? Math.log(min) : min;
    scale[1] = log ? Math.log(max) : max;
    if (scale[1] === scale[0]) scale[1] = scale[0] + 1;
    scale[2] = log ? 1 : 0;
  }

  dispose(): void {
    this.uniforms.uValues.value.dispose();
    this.uniforms.uPalette.value.dispose();
  }

  private fill(): void {
    if (!this.all) return;
    const texture = this.uniforms.uValues.value;
    const from = this.windowStart * this.buildings;
    (texture.image.data as Float32Array).set(this.all.subarray(from, from + this.windowFrames * this.buildings));
    texture.needsUpdate = true;
  }
}

function plain(width: number, height: number): DataTexture {
  const texture = new DataTexture(new Float32Array(width * height), width, height, RedFormat, FloatType);
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}

/** Colours mixed in sRGB, as legends do; `steps`: flat classes. */
function palette(colours: readonly string[], steps: boolean): DataTexture {
  const stops = colours.map((colour) => new Color().setStyle(colour, "srgb").convertLinearToSRGB());
  const bytes = new Uint8Array(STEPS * 4).fill(255);
  for (let i = 0; i < STEPS; i++) {
    const place = steps
      ? Math.min(Math.floor(((i + 0.5) / STEPS) * stops.length), stops.length - 1)
      : (i / (STEPS - 1)) * (stops.length - 1);
    const low = stops[Math.floor(place)]!;
    const high = stops[Math.min(Math.floor(place) + 1, stops.length - 1)]!;
    const share = place - Math.floor(place);
    bytes.set([low.r, low.g, low.b].map((v, k) => Math.round(255 * (v + ([high.r, high.g, high.b][k]! - v) * share))), i * 4);
  }
  const texture = new DataTexture(bytes, STEPS, 1, RGBAFormat, UnsignedByteType);
  texture.colorSpace = SRGBColorSpace;
  texture.minFilter = texture.magFilter = steps ? NearestFilter : LinearFilter;
  texture.wrapS = ClampToEdgeWrapping;
  texture.needsUpdate = true;
  return texture;
}
