// The picture as a file: with title, legend, day, names of both sides, and where the data come from.
import { save } from "./save.js";

const WIDE = 1600;

/** Save the scene as PNG. `legend`: the layer that colours it, as the page's legend has it. */
export async function picture({ t, f, scene, legend, title }) {
  const shot = scene.capture();
  const scale = Math.max(1, Math.min(2, WIDE / shot.width));
  const [width, high] = [Math.round(shot.width * scale), Math.round(shot.height * scale)];
  const unit = Math.max(width / 1200, 0.62);
  const strip = Math.round(104 * unit);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = high + strip;
  const pen = canvas.getContext("2d");
  pen.drawImage(shot, 0, 0, width, high);
  pen.fillStyle = "#fff";
  pen.fillRect(0, high, width, strip);
  const write = (text, x, y, size, weight = 400, colour = "#15262c", most = width - x - 18 * unit) => {
    pen.font = `${weight} ${size * unit}px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif`;
    pen.fillStyle = colour;
    pen.fillText(text, x, y, most);
  };
  const left = 18 * unit;
  const half = width * 0.42;
  write(title, left, high + 30 * unit, 19, 650, "#15262c", half - 2 * left);
  const now = new Date().toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" });
  write(t("image.made", { when: now }), left, high + 54 * unit, 13, 400, "#55666d", half - 2 * left);
  const credit = document.querySelector(".credit")?.textContent?.trim() ?? "";
  const notice = document.querySelector(".badge span")?.textContent?.trim() ?? "";
  write([notice, credit].filter(Boolean).join(" · "), left, high + 90 * unit, 11.5, 400, "#55666d");
  if (legend) drawLegend(pen, { legend, f, x: half, y: high + 14 * unit, width: width - half - left, unit, write });
  const name = `lobeda-${new Date().toISOString().slice(0, 16).replace(/[:T]/g, "-")}.png`;
  const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
  save(blob, name);
}

function drawLegend(pen, { legend, f, x, y, width, unit, write }) {
  write([legend.title, legend.unit].filter(Boolean).join(", "), x, y + 15 * unit, 13, 650, "#15262c", width);
  const top = y + 23 * unit;
  if (legend.categories.length) {
    const each = width / Math.min(legend.categories.length, 6);
    legend.categories.slice(0, 12).forEach((category, i) => {
      const [cx, cy] = [x + (i % 6) * each, top + Math.floor(i / 6) * 21 * unit];
      pen.fillStyle = category.colour;
      pen.fillRect(cx, cy, 13 * unit, 13 * unit);
      write(category.label, cx + 18 * unit, cy + 11 * unit, 12, 400, "#33474d", each - 22 * unit);
    });
    return;
  }
  const ramp = pen.createLinearGradient(x, 0, x + width, 0);
  legend.palette.forEach((colour, i) => ramp.addColorStop(i / Math.max(legend.palette.length - 1, 1), colour));
  pen.fillStyle = ramp;
  pen.fillRect(x, top, width, 13 * unit);
  const place = (value) => (legend.log ? Math.log(value / legend.min) / Math.log(legend.max / legend.min) : (value - legend.min) / (legend.max - legend.min));
  const ticks = legend.ticks.length ? legend.ticks : [legend.min, legend.max];
  ticks.forEach((value, i) => {
    const text = (i === ticks.length - 1 && legend.over ? "≥\u202f" : "") + (legend.id === "year" ? String(value) : f.number(value, ticks.every(Number.isInteger) ? 0 : 1));
    pen.textAlign = i === 0 ? "left" : i === ticks.length - 1 ? "right" : "center";
    write(text, x + place(value) * width, top + 28 * unit, 12, 400, "#33474d", 90 * unit);
  });
  pen.textAlign = "left";
}
