// The place of a comment: chosen with a click or by keyboard, marked in the picture, named after the house beside it.
import { byId, h } from "./dom.js";

const NEAR_M = 80;
const AWAY_M = 280;
const INK = "#d1495b";

/**
 * What comments.js needs from the picture. `scene`: gives its handle once it is there; `name`: of a building's row.
 *
 * ready: a promise of the picture. Gives {onPick, onShow, labelOf, clear, ready}; `clear` takes the mark away and
 * ends a choice.
 */
export function spots({ t, shell, scene, name, ready }) {
  const stage = byId("scene");
  let finish = null;

  const mark = (point) => scene()?.setShapes("comment", point && [{ kind: "point", points: [...point, NaN], colour: INK, width: 6 }]);

  function labelOf({ point: [east, north] }) {
    const { origin, buildings } = scene()?.manifest ?? { buildings: { id: [] } };
    let [nearest, least] = [null, NEAR_M];
    for (let row = 0; row < buildings.id.length; row += 1) {
      const away = Math.hypot(origin[0] + buildings.centre[2 * row] - east, origin[1] - buildings.centre[2 * row + 1] - north);
      if (away < least && name(row)) [nearest, least] = [row, away];
    }
    return nearest === null ? "" : t("participation.place_near", { name: name(nearest) });
  }

  /** The place that is chosen next; null: none. */
  function onPick() {
    finish?.(null);
    const view = scene();
    if (!view?.manifest) return Promise.resolve(null);
    return new Promise((resolve) => {
      const said = h("p", { role: "status" }, t("participation.picking"));
      const cancel = h("button", { type: "button", class: "small", onclick: () => finish(null) }, t("participation.pick_cancel"));
      const bar = h("div", { class: "card spot-bar" }, said, cancel);
      const canvas = stage.querySelector("canvas");
      const escape = (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        finish(null);
      };
      const stop = view.on("place", (found) => {
        if (found) finish({ point: [Math.round(found.east), Math.round(found.north)] });
        else said.textContent = t("participation.pick_beyond");
      });
      finish = (place) => {
        finish = null;
        stop();
        document.removeEventListener("keydown", escape, true);
        view.setTool(false);
        bar.remove();
        if (place) mark(place.point);
        shell.open("panel");
        resolve(place);
      };
      document.addEventListener("keydown", escape, true);
      shell.showTable(false);
      shell.fold();
      stage.append(bar);
      view.setTool(true);
      canvas.focus({ preventScroll: true });
    });
  }

  function onShow({ point }) {
    const view = scene();
    if (!view?.manifest) return;
    const { origin } = view.manifest;
    const { position, target } = view.getCamera();
    const way = position.map((value, i) => value - target[i]);
    const scale = Math.min(1, AWAY_M / Math.hypot(...way));
    const to = [point[0] - origin[0], target[1], origin[1] - point[1]];
    shell.showTable(false);
    shell.fold();
    mark(point);
    view.setCamera({ target: to, position: way.map((value, i) => to[i] + value * scale) });
  }

  return { onPick, onShow, labelOf, clear: () => { finish?.(null); mark(null); }, ready };
}
