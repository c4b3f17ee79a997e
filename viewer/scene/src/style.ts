/** Everything that lies over the picture; custom properties move it out of an app's way. */
export const STYLE = `
.lobeda-scene { position: relative; width: 100%; height: 100%; min-height: 120px; overflow: hidden; background: linear-gradient(#b7d0e4, #e4ecef 70%); font: 13px/1.3 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; color: #1d2b33; touch-action: none; user-select: none; -webkit-user-select: none; }
.lobeda-scene canvas { display: block; width: 100%; height: 100%; outline: none; touch-action: none; cursor: grab; }
.lobeda-scene canvas.over { cursor: pointer; }
.lobeda-scene canvas:active { cursor: grabbing; }
.lobeda-scene canvas:focus-visible { outline: 3px solid #0a6970; outline-offset: -3px; }
.lobeda-labels { position: absolute; inset: 0; overflow: hidden; pointer-events: none; }
.lobeda-labels span { position: absolute; left: 0; top: 0; padding: 2px 7px; border-radius: 7px; white-space: nowrap; font-size: 12px; font-weight: 600; color: #22313a; background: rgb(255 255 255 / 78%); box-shadow: 0 1px 3px rgb(16 32 44 / 22%); will-change: transform; }
.lobeda-labels span[hidden] { display: none; }
.lobeda-labels span[data-kind="quarter"] { font-size: 15px; font-weight: 700; letter-spacing: .02em; background: none; box-shadow: none; color: #14242d; text-shadow: 0 0 3px #fff, 0 0 6px #fff, 0 0 10px rgb(255 255 255 / 80%); }
.lobeda-labels span[data-kind="water"] { background: none; box-shadow: none; color: #1d5573; font-style: italic; text-shadow: 0 0 3px #fff, 0 0 6px #fff; }
.lobeda-tools { position: absolute; right: var(--scene-tools-right, 12px); bottom: var(--scene-tools-bottom, 40px); display: flex; flex-direction: column; border-radius: 10px; overflow: hidden; background: rgb(255 255 255 / 92%); box-shadow: 0 2px 8px rgb(16 32 44 / 25%); }
.lobeda-tools button { width: 38px; height: 38px; border: 0; padding: 0; background: none; color: #1d2b33; cursor: pointer; display: grid; place-items: center; border-top: 1px solid rgb(29 43 51 / 12%); }
.lobeda-tools button:first-child { border-top: 0; }
.lobeda-tools button:hover { background: rgb(10 105 112 / 12%); }
.lobeda-tools button:focus-visible { outline: 3px solid #0a6970; outline-offset: -3px; border-radius: 10px; }
.lobeda-tools svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.lobeda-credit { position: absolute; left: var(--scene-credit-left, 8px); right: 8px; bottom: 4px; margin: 0; font-size: 11px; color: #22313a; pointer-events: none; text-shadow: 0 0 3px #fff, 0 0 5px #fff; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.lobeda-credit b { font-weight: 650; }
.lobeda-message { position: absolute; inset: 0; display: grid; place-items: center; padding: 24px; text-align: center; font-size: 15px; background: linear-gradient(#c9d9e2, #eef2f2 70%); }
.lobeda-message p { max-width: 34em; margin: 0; padding: 16px 20px; border-radius: 10px; background: #fff; box-shadow: 0 2px 10px rgb(16 32 44 / 20%); }
@media (max-width: 480px) { .lobeda-tools .wide-only { display: none; } .lobeda-labels span { font-size: 11px; } .lobeda-labels span[data-kind="quarter"] { font-size: 13px; } }
@media print { .lobeda-tools { display: none; } }
`;
