// Small helpers to build and update elements without a framework.

/** An element: attributes, `on…` listeners, and children (strings become text, never markup). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...present(children));
  return element;
}

const present = (children) => children.flat(3).filter((child) => child !== null && child !== undefined && child !== false);

/** Give an element other children; what is missing among them is left out. */
export const fill = (element, ...children) => element.replaceChildren(...present(children));

export const byId = (id) => document.getElementById(id);

/** At most one call per animation frame, with the latest arguments. */
export function perFrame(action) {
  let waiting = null;
  let frame = 0;
  const call = (...values) => {
    if (!waiting) frame = requestAnimationFrame(() => { const latest = waiting; waiting = null; action(...latest); });
    waiting = values;
  };
  call.cancel = () => { cancelAnimationFrame(frame); waiting = null; };
  return call;
}

/** Texts of a language: a key, and values for its {placeholders}. */
export function translator(texts) {
  return (key, values = {}) => (texts[key] ?? key).replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
}

/** Numbers of a language; missing ones are a dash. */
export function formatter(language) {
  const cache = new Map();
  const write = (value, digits) => {
    if (!cache.has(digits)) {
      cache.set(digits, new Intl.NumberFormat(language === "en" ? "en-GB" : language, {
        minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: "always",
      }));
    }
    return cache.get(digits).format(value).replace("-", "−");
  };
  const number = (value, digits = 0) => (value === null || value === undefined || !Number.isFinite(value) ? "–" : write(value, digits));
  return {
    number,
    quantity: (value, unit, digits = 0) => { const text = number(value, digits); return text === "–" || !unit ? text : `${text}\u00a0${unit}`; },
    percent: (share) => {
      if (!Number.isFinite(share)) return "–";
      const text = number(100 * share, 0).replace(/^−0$/, "0");
      return `${share > 0 && text !== "0" ? "+" : ""}${text}\u00a0%`;
    },
  };
}
