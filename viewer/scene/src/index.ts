export { createScene } from "./scene";
export { render } from "./panel";
export { sunPosition } from "./sun";
export type { Handle, Options } from "./types";
import { render } from "./panel";
export default { render };
