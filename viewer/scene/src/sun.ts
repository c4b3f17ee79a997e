import { Vector3 } from "three";

const DEG = Math.PI / 180;

/**
 * Position of the sun in degrees: azimuth clockwise from north, elevation without refraction.
 * Low-precision formulae of the Astronomical Almanac (about 0.01° between 1950 and 2050).
 */
export function sunPosition(time: Date, lat: number, lon: number): { azimuth: number; elevation: number } {
  const days = time.getTime() / 86400000 + 2440587.5 - 2451545.0;
  const anomaly = (357.528 + 0.9856003 * days) * DEG;
  const meanLongitude = 280.46 + 0.9856474 * days;
  const longitude = (meanLongitude + 1.915 * Math.sin(anomaly) + 0.02 * Math.sin(2 * anomaly)) * DEG;
  const obliquity = (23.439 - 0.0000004 * days) * DEG;
  const rightAscension = Math.atan2(Math.cos(obliquity) * Math.sin(longitude), Math.cos(longitude));
  const declination = Math.asin(Math.sin(obliquity) * Math.sin(longitude));
  const sidereal = (280.46061837 + 360.98564736629 * days + lon) * DEG;
  const hour = sidereal - rightAscension;
  const phi = lat * DEG;
  const sine = Math.sin(phi) * Math.sin(declination) + Math.cos(phi) * Math.cos(declination) * Math.cos(hour);
  const south = Math.atan2(Math.sin(hour), Math.cos(hour) * Math.sin(phi) - Math.tan(declination) * Math.cos(phi));
  return { azimuth: (((south / DEG + 180) % 360) + 360) % 360, elevation: Math.asin(sine) / DEG };
}

/** Unit vector to the sun in the scene; `convergence` is how far grid north lies east of true north. [deg] */
export function towards(azimuth: number, elevation: number, convergence = 0): Vector3 {
  const grid = (azimuth - convergence) * DEG;
  const flat = Math.cos(elevation * DEG);
  return new Vector3(Math.sin(grid) * flat, Math.sin(elevation * DEG), -Math.cos(grid) * flat);
}
