// The same clock for both pages: what a page can do comes in, what it takes goes out, in milliseconds.

/** Wait until all that was asked of the graphics card is drawn. */
const flush = (gl) => gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
const frame = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/** The page's clock; it starts by telling how long the first picture took since the address was opened. */
export function clock(page) {
  flush(page.gl);
  const firstPicture = performance.now();
  return {
    firstPicture,
    camera: page.camera,
    /** Of one picture while the camera goes around, over `count` pictures. */
    orbit: async (count) => {
      const before = page.drawn();
      const start = performance.now();
      for (let i = 1; i <= count; i++) {
        page.turn((2 * Math.PI * i) / count);
        await new Promise(requestAnimationFrame);
      }
      flush(page.gl);
      const passed = performance.now() - start;
      page.turn(0);
      await frame();
      return passed / Math.max(1, page.drawn() - before);
    },
    /** Of one still picture at full sharpness. */
    still: async (times) => {
      const found = [];
      for (let i = 0; i < times; i++) {
        const start = performance.now();
        page.draw();
        flush(page.gl);
        found.push(performance.now() - start);
      }
      return median(found);
    },
    /** From new values to their picture. */
    recolour: async (count, times) => {
      const found = [];
      for (let i = 0; i < times; i++) {
        const values = Float32Array.from({ length: count }, (_, row) => ((row * 7 + i * 13) % 101) / 101);
        const before = page.drawn();
        const start = performance.now();
        page.recolour(values);
        while (page.drawn() === before) await new Promise(requestAnimationFrame);
        flush(page.gl);
        found.push(performance.now() - start);
        await new Promise((resolve) => setTimeout(resolve, 400)); // a finer picture may follow
      }
      return median(found);
    },
    /** What lies under each point, and how long one answer takes. */
    pick: async (points) => {
      const found = [];
      const start = performance.now();
      for (const [x, y] of points) found.push(page.pick(x, y));
      return { each: (performance.now() - start) / points.length, found };
    },
  };
}
