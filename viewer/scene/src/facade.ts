/** GLSL of the buildings' look: value colours, storeys and windows, roofs, highlights. */

export const VERTEX_HEAD = /* glsl */ `
attribute float building;
attribute vec2 grid;
flat varying int vIndex;
varying vec2 vGrid;
varying vec3 vWorld;
varying vec3 vFlat;
`;

export const VERTEX_BODY = /* glsl */ `
vIndex = int(building + 0.5);
vGrid = grid / 32.0;
vWorld = (modelMatrix * vec4(transformed, 1.0)).xyz;
vFlat = objectNormal;
`;

export const FRAGMENT_HEAD = /* glsl */ `
flat varying int vIndex;
varying vec2 vGrid;
varying vec3 vWorld;
varying vec3 vFlat;
uniform highp sampler2D uInfo;      // base, storey height, style, block
uniform highp sampler2D uValues;
uniform sampler2D uPalette;
uniform vec4 uFrame;
uniform vec4 uScale;
uniform vec4 uMarked;               // hovered building, selected building, selected block, list on
uniform highp sampler2D uListed;    // 1 for buildings in a selected list
uniform vec3 uAccent;
uniform vec3 uMissing;
uniform vec3 uSkyTint;
uniform float uNight;

float hash1(float n) { return fract(sin(n * 127.1 + 11.7) * 43758.5453); }
float hash2(vec2 p) { return fract(sin(dot(p, vec2(127.1, 311.7))) * 43758.5453); }
float inside(float x, float a, float b, float w) {
  return smoothstep(a - w, a + w, x) * (1.0 - smoothstep(b - w, b + w, x));
}
float lookUp(float frame) {
  int at = int(frame) * int(uScale.w) + vIndex;
  return texelFetch(uValues, ivec2(at % 2048, at / 2048), 0).r;
}
vec3 pick6(float h, vec3 a, vec3 b, vec3 c, vec3 d, vec3 e, vec3 f) {
  if (h < 0.17) return a; if (h < 0.34) return b; if (h < 0.5) return c;
  if (h < 0.67) return d; if (h < 0.84) return e; return f;
}

vec3 plainWall(float style, float h) {
  if (style < 0.5) return mix(vec3(0.45, 0.43, 0.40), vec3(0.60, 0.58, 0.54), h);
  if (style < 1.5) return pick6(h, vec3(0.86, 0.82, 0.73), vec3(0.80, 0.74, 0.60), vec3(0.88, 0.86, 0.81),
                                vec3(0.76, 0.67, 0.53), vec3(0.70, 0.70, 0.67), vec3(0.82, 0.70, 0.62));
  if (style < 2.5) return pick6(h, vec3(0.82, 0.78, 0.69), vec3(0.78, 0.72, 0.60), vec3(0.74, 0.76, 0.74),
                                vec3(0.80, 0.69, 0.55), vec3(0.72, 0.74, 0.66), vec3(0.70, 0.67, 0.63));
  if (style < 3.5) return mix(vec3(0.76, 0.75, 0.71), vec3(0.68, 0.69, 0.70), h);
  if (style < 4.5) return mix(vec3(0.66, 0.67, 0.67), vec3(0.58, 0.57, 0.55), h);
  return vec3(0.78, 0.74, 0.66);
}

vec3 plainRoof(float tilt, float h, vec3 world) {
  float grain = 0.94 + 0.12 * hash2(floor(world.xz * 0.7));
  if (tilt > 0.985) return mix(vec3(0.40, 0.395, 0.38), vec3(0.50, 0.49, 0.465), h) * grain;
  return pick6(h, vec3(0.38, 0.13, 0.08), vec3(0.33, 0.12, 0.08), vec3(0.42, 0.18, 0.11),
               vec3(0.26, 0.12, 0.09), vec3(0.17, 0.16, 0.16), vec3(0.36, 0.15, 0.10));
}

// x: window, y: other dark relief (joints, recesses), z: door, all 0 to 1; w: fade of the pattern with distance
vec4 openings(float style, float u, float v, float eave, vec3 normal) {
  float wu = fwidth(u), wv = fwidth(v);
  float fade = 1.0 - smoothstep(0.22, 0.75, max(wu, wv));
  float row = floor(v), bay = floor(u);
  float fu = u - bay, fv = v - row;
  float valid = step(0.0, v) * step(row + 0.86, eave);
  float joints = 0.0, door = 0.0, window;
  wu = clamp(wu, 0.002, 0.2); wv = clamp(wv, 0.002, 0.2);
  if (style < 1.5) {
    window = inside(fu, 0.29, 0.71, wu) * inside(fv, 0.30, 0.80, wv);
  } else if (style < 2.5) {
    float sunny = step(0.0, normal.z * 0.9 - normal.x * 0.45);
    float cycle = mod(bay, 5.0);
    float loggia = sunny * step(abs(cycle - 2.0), 1.2) * step(0.5, abs(cycle - 2.0)) * step(1.0, row + 0.5);
    float stairs = (1.0 - sunny) * step(abs(cycle - 2.0), 0.2);
    float ordinary = inside(fu, 0.20, 0.80, wu) * inside(fv, 0.30, 0.78, wv);
    float recess = inside(fu, 0.05, 0.95, wu) * inside(fv, 0.40, 0.94, wv);
    float half_row = fract(v + 0.5);
    float landing = inside(fu, 0.24, 0.76, wu) * inside(half_row, 0.26, 0.74, wv) * step(0.8, v);
    door = stairs * inside(fu, 0.28, 0.72, wu) * inside(v, 0.0, 0.72, wv);
    window = mix(mix(ordinary, recess, loggia), landing, stairs);
    joints = max(1.0 - smoothstep(0.0, 0.022 + wu, min(fu, 1.0 - fu)), 1.0 - smoothstep(0.0, 0.028 + wv, min(fv, 1.0 - fv)));
    joints = max(joints * 0.5, loggia * recess * 0.55);
  } else if (style < 3.5) {
    float mullion = 1.0 - 0.8 * (1.0 - smoothstep(0.03, 0.03 + 2.0 * wu, min(fu, 1.0 - fu)));
    window = inside(fv, 0.30, 0.82, wv) * mullion;
  } else if (style < 4.5) {
    window = inside(fv, 0.62, 0.84, wv) * inside(fu, 0.06, 0.94, wu) * step(eave - 1.2, row);
  } else {
    window = inside(fu, 0.36, 0.64, wu) * inside(v, 0.30, max(0.45, eave * 0.8), wv);
    valid = 1.0;
  }
  float mean = style < 1.5 ? 0.2 : (style < 2.5 ? 0.32 : (style < 3.5 ? 0.5 : 0.1));
  return vec4(mix(mean, window, fade) * valid, joints * fade * valid, door * fade * step(0.0, v), fade);
}
`;

export const FRAGMENT_COLOUR = /* glsl */ `
vec4 info = texelFetch(uInfo, ivec2(vIndex % 2048, vIndex / 2048), 0);
float above = vWorld.y - info.x;
bool isRoof = vFlat.y > 0.3;
float hOwn = hash1(float(vIndex));
float hGroup = info.w < 0.0 ? hOwn : hash1(info.w + 0.37);
vec3 base = isRoof ? plainRoof(vFlat.y, hGroup, vWorld) : plainWall(info.z, hGroup);
bool coloured = uFrame.w > 0.5;
if (coloured) {
  float a = lookUp(uFrame.x);
  float b = uFrame.z > 0.0 ? lookUp(uFrame.y) : a;
  bool missing = a < -1e38 || b < -1e38;
  float value = mix(a, b, uFrame.z);
  if (uScale.z > 0.5) value = log(max(value, 1e-20));
  float place = clamp((value - uScale.x) / (uScale.y - uScale.x), 0.0, 1.0);
  base = missing ? uMissing : texture2D(uPalette, vec2(place * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
}
float lit = 0.0;
if (!isRoof && vGrid.y > 0.4 && info.z > 0.5) {
  float v = above / info.y;
  vec4 o = openings(info.z, vGrid.x, v, vGrid.y, vFlat);
  vec2 cell = vec2(floor(vGrid.x) + float(vIndex) * 7.0, floor(v));
  float h = hash2(cell + vFlat.xz);
  vec3 toEye = normalize(cameraPosition - vWorld);
  float fresnel = 0.22 + 0.6 * pow(1.0 - abs(dot(toEye, vFlat)), 3.0);
  vec3 glass = mix(vec3(0.045, 0.06, 0.08), uSkyTint, fresnel * (1.0 - 0.8 * uNight));
  glass = mix(glass, vec3(0.62, 0.6, 0.55), step(0.72, h) * 0.35 * o.w);
  base *= 1.0 - 0.34 * o.y;
  base = mix(base, coloured ? base * 0.50 + glass * 0.10 : glass, o.x * (coloured ? 0.62 : 0.88));
  base = mix(base, coloured ? base * 0.6 : vec3(0.16, 0.10, 0.07), o.z * 0.8);
  lit = o.x * step(0.58, h) * uNight * mix(0.35, 1.0, o.w);
}
if (!isRoof) {
  base *= mix(0.66, 1.0, smoothstep(-0.2, 4.5, above));
  base *= 1.0 - 0.22 * (1.0 - smoothstep(0.30, 0.42, above));
}
float own = float(vIndex);
float selected = max(step(abs(own - uMarked.y), 0.25), uMarked.w > 0.5 ? texelFetch(uListed, ivec2(vIndex % 2048, vIndex / 2048), 0).r : 0.0);
float inBlock = uMarked.z < -0.5 ? 0.0 : step(abs(info.w - uMarked.z), 0.25);
float hovered = step(abs(own - uMarked.x), 0.25);
base = mix(base, uAccent, max(selected * 0.30, inBlock * 0.16));
base = mix(base, vec3(1.0), hovered * 0.26);
diffuseColor.rgb = base;
`;

export const FRAGMENT_GLOW = /* glsl */ `
totalEmissiveRadiance += vec3(1.0, 0.72, 0.38) * lit * 0.85 + uAccent * (selected * 0.10 + inBlock * 0.05 + hovered * 0.05);
`;
