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
uniform highp sampler2D uLeft;     // values of the compared side, left of uSwipe [px]
uniform vec4 uLeftFrame;
uniform float uSwipe;
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
float lookUp(highp sampler2D values, float frame) {
  int at = int(frame) * int(uScale.w) + vIndex;
  return texelFetch(values, ivec2(at % 2048, at / 2048), 0).r;
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

// Shares from 0 to 1; fade goes to 0 where the pattern would be finer than the picture.
struct Opening { float glass; float frame; float relief; float door; float parapet; float fade; };

float box(vec2 p, vec4 b, vec2 w) { return inside(p.x, b.x, b.z, w.x) * inside(p.y, b.y, b.w, w.y); }

Opening openings(float style, float u, float v, float eave, vec3 normal) {
  vec2 w = vec2(fwidth(u), fwidth(v));
  float fade = 1.0 - smoothstep(0.22, 0.75, max(w.x, w.y));
  float row = floor(v), bay = floor(u);
  vec2 at = vec2(u - bay, v - row);
  float valid = step(0.0, v) * step(row + 0.86, eave);
  Opening o = Opening(0.0, 0.0, 0.0, 0.0, 0.0, fade);
  w = clamp(w, 0.002, 0.2);
  vec4 hole = vec4(0.28, 0.28, 0.72, 0.80);
  float mean = 0.2;
  if (style > 1.5 && style < 2.5) {
    mean = 0.3;
    float sunny = step(0.0, normal.z * 0.9 - normal.x * 0.45);
    float cycle = mod(bay, 5.0);
    float loggia = sunny * step(abs(cycle - 2.0), 1.2) * step(0.5, abs(cycle - 2.0)) * step(1.0, row + 0.5);
    float stairs = (1.0 - sunny) * step(abs(cycle - 2.0), 0.2);
    hole = vec4(0.20, 0.28, 0.80, 0.78);
    if (loggia > 0.5) {
      o.relief = box(at, vec4(0.04, 0.06, 0.96, 0.95), w) * 0.75;
      o.parapet = box(at, vec4(0.02, 0.04, 0.98, 0.42), w);
      hole = vec4(0.18, 0.42, 0.82, 0.86);
    } else if (stairs > 0.5) {
      at.y = fract(v + 0.5);
      valid *= step(0.8, v);
      hole = vec4(0.24, 0.26, 0.76, 0.74);
      o.door = inside(u - bay, 0.28, 0.72, w.x) * inside(v, 0.0, 0.72, w.y);
    }
    vec2 joint = min(vec2(u - bay, v - row), 1.0 - vec2(u - bay, v - row));
    o.relief = max(o.relief, 0.4 * max(1.0 - smoothstep(0.0, 0.02 + w.x, joint.x), 1.0 - smoothstep(0.0, 0.026 + w.y, joint.y)));
  } else if (style > 2.5 && style < 3.5) {
    mean = 0.42;
    hole = vec4(0.04, 0.30, 0.96, 0.82);
  } else if (style > 3.5 && style < 4.5) {
    mean = 0.1;
    hole = vec4(0.06, 0.62, 0.94, 0.84);
    valid *= step(eave - 1.2, row);
  } else if (style > 4.5) {
    mean = 0.1;
    at.y = v;
    hole = vec4(0.36, 0.30, 0.64, max(0.45, eave * 0.8));
    valid = 1.0;
  }
  float outer = box(at, hole, w);
  vec2 rim = vec2(0.030, 0.034);
  float inner = box(at, hole + vec4(rim, -rim), w);
  float bar = 1.0 - smoothstep(0.010, 0.012 + w.x, abs(at.x - 0.5 * (hole.x + hole.z)));
  o.glass = mix(mean, outer, fade) * valid;
  o.frame = max(outer - inner, bar * inner) * fade * valid * (1.0 - smoothstep(0.02, 0.09, max(w.x, w.y)));
  o.relief *= fade * valid;
  o.parapet *= fade * valid;
  o.door *= fade * step(0.0, v);
  return o;
}
`;

export const FRAGMENT_COLOUR = /* glsl */ `
vec4 info = texelFetch(uInfo, ivec2(vIndex % 2048, vIndex / 2048), 0);
float above = vWorld.y - info.x;
bool isRoof = vFlat.y > 0.3;
float hOwn = hash1(float(vIndex));
float hGroup = info.w < 0.0 ? hOwn : hash1(info.w + 0.37);
vec3 base = isRoof ? plainRoof(vFlat.y, hGroup, vWorld) : plainWall(info.z, hGroup);
bool onLeft = gl_FragCoord.x < uSwipe;
vec4 frame = onLeft ? uLeftFrame : uFrame;
bool coloured = frame.w > 0.5;
if (coloured) {
  float a = onLeft ? lookUp(uLeft, frame.x) : lookUp(uValues, frame.x);
  float b = frame.z <= 0.0 ? a : onLeft ? lookUp(uLeft, frame.y) : lookUp(uValues, frame.y);
  bool missing = a < -1e38 || b < -1e38;
  float value = mix(a, b, frame.z);
  if (uScale.z > 0.5) value = log(max(value, 1e-20));
  float place = clamp((value - uScale.x) / (uScale.y - uScale.x), 0.0, 1.0);
  base = missing ? uMissing : texture2D(uPalette, vec2(place * 255.0 / 256.0 + 0.5 / 256.0, 0.5)).rgb;
}
float lit = 0.0;
if (!isRoof && vGrid.y > 0.4 && info.z > 0.5) {
  float v = above / info.y;
  Opening o = openings(info.z, vGrid.x, v, vGrid.y, vFlat);
  vec2 cell = vec2(floor(vGrid.x) + float(vIndex) * 7.0, floor(v));
  float h = hash2(cell + vFlat.xz);
  vec3 toEye = normalize(cameraPosition - vWorld);
  float fresnel = 0.16 + 0.62 * pow(1.0 - abs(dot(toEye, vFlat)), 3.0) + 0.10 * fract(v);
  vec3 glass = mix(vec3(0.030, 0.042, 0.058), uSkyTint, fresnel * (1.0 - 0.8 * uNight));
  glass = mix(glass, vec3(0.50, 0.48, 0.43), step(0.74, h) * 0.45 * o.fade * smoothstep(0.30, 0.34, fract(v)));
  vec3 panel = mix(base, pick6(fract(hGroup * 7.3), vec3(0.80, 0.52, 0.20), vec3(0.33, 0.47, 0.58), vec3(0.62, 0.26, 0.18),
                           vec3(0.44, 0.54, 0.34), vec3(0.84, 0.78, 0.66), vec3(0.78, 0.62, 0.36)), 0.55);
  vec3 before = base;
  base *= 1.0 - 0.62 * o.relief;
  base = mix(base, coloured ? before * 0.50 + glass * 0.12 : glass, o.glass * (coloured ? 0.62 : 0.90));
  base = mix(base, coloured ? before : vec3(0.78, 0.77, 0.74), o.frame * 0.75);
  base = mix(base, coloured ? before * 0.9 : panel, o.parapet);
  base = mix(base, coloured ? before * 0.6 : vec3(0.16, 0.10, 0.07), o.door * 0.8);
  lit = o.glass * (1.0 - o.frame) * (1.0 - o.parapet) * step(0.58, h) * uNight * mix(0.35, 1.0, o.fade);
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
