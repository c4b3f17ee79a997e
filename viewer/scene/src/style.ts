/** Everything that lies over the picture; custom properties move it out of an app's way. */
export const STYLE = `
.lobeda-scene { position: relative; isolation: isolate; width: 100%; height: 100%; min-height: 120px; overflow: hidden; background: linear-gradient(#b7d0e4, #e4ecef 70%); font: 13px/1.3 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; color: #1d2b33; touch-action: none; user-select: none; -webkit-user-select: none; }
.lobeda-scene canvas { display: block; width: 100%; height: 100%; outline: none; touch-action: none; cursor: grab; }
.lobeda-scene canvas.over { cursor: pointer; }
.lobeda-scene canvas:active { cursor: grabbing; }
.lobeda-scene canvas:focus-visible { outline: 3px solid #0a6970; outline-offset: -3px; }
.lobeda-labels { position: absolute; inset: 0; overflow: hidden; pointer-events: none; }
.lobeda-labels span { position: absolute; left: 0; top: 0; padding: 2px 7px; border-radius: 7px; white-space: nowrap; font-size: 12px; font-weight: 600; color: #22313a; background: rgb(255 255 255 / 78%); box-shadow: 0 1px 3px rgb(16 32 44 / 22%); will-change: transform; }
.lobeda-labels span[hidden] { display: none; }
.lobeda-labels span[data-kind="quarter"] { font-size: 15px; font-weight: 700; letter-spacing: .02em; background: none; box-shadow: none; color: #14242d; text-shadow: 0 0 3px #fff, 0 0 6px #fff, 0 0 10px rgb(255 255 255 / 80%); }
.lobeda-labels span[data-kind="water"] { background: none; box-shadow: none; color: #1d5573; font-style: italic; text-shadow: 0 0 3px #fff, 0 0 6px #fff; }
.lobeda-markers { position: absolute; inset: 0; isolation: isolate; overflow: hidden; pointer-events: none; }
.lobeda-markers[hidden] { display: none; }
.lobeda-markers button { position: absolute; left: 0; top: 0; display: flex; align-items: center; padding: 0 0 9px; border: 0; background: none; font: inherit; pointer-events: auto; cursor: pointer; --face: #0b6b72; --ink: #fff; will-change: transform; }
.lobeda-markers button::after { content: ""; position: absolute; left: 14px; bottom: 0; width: 2px; height: 9px; background: #123; opacity: .75; }
.lobeda-markers svg { width: 30px; height: 30px; flex: none; filter: drop-shadow(0 1px 2px rgb(10 25 32 / 45%)); }
.lobeda-markers .shape { fill: var(--face); stroke: #fff; stroke-width: 1.8; }
.lobeda-markers .glyph { fill: none; stroke: var(--ink); stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.lobeda-markers [data-kind="electricity_meter"] .glyph { fill: var(--ink); stroke-width: .5; }
.lobeda-markers [data-state="alarm"] .glyph { transform: translate(4px, 7px) scale(.75); }
.lobeda-markers [data-state="suspect"] .glyph { transform: translate(3.200px, 3.200px) scale(.8); }
.lobeda-markers span { margin: 0 0 0 -5px; padding: 1px 7px 1px 9px; border-radius: 0 8px 8px 0; background: rgb(255 255 255 / 92%); color: #15262c; font-size: 12px; font-weight: 650; white-space: nowrap; z-index: -1; }
.lobeda-markers [data-state="suspect"] { --face: #f0b429; --ink: #2b2103; }
.lobeda-markers [data-state="silent"] { --face: #fff; --ink: #4a5b61; }
.lobeda-markers [data-state="silent"] .shape { stroke: #4a5b61; stroke-dasharray: 5 3.500; stroke-width: 2.4; }
.lobeda-markers [data-state="silent"] svg, .lobeda-markers [data-state="waiting"] svg { opacity: .95; }
.lobeda-markers [data-state="waiting"] { --face: #8a979b; }
.lobeda-markers [data-state="alarm"] { --face: #b3261e; }
.lobeda-markers [data-state="ok"][data-colour="blue"] { --face: #2b6cb0; }
.lobeda-markers [data-state="ok"][data-colour="green"] { --face: #1d7f43; }
.lobeda-markers [data-state="ok"][data-colour="yellow"] { --face: #f2c037; --ink: #2b2103; }
.lobeda-markers [data-state="ok"][data-colour="red"] { --face: #c2321f; }
.lobeda-markers [data-kind="tree"] svg { width: 22px; height: 22px; }
.lobeda-markers .far svg { width: 24px; height: 24px; }
.lobeda-markers .far::after { left: 11px; }
.lobeda-markers .crowded svg { width: 15px; height: 15px; }
.lobeda-markers .crowded .glyph { display: none; }
.lobeda-markers .crowded::after { left: 6.500px; }
.lobeda-markers .behind { opacity: .5; }
.lobeda-markers .out { visibility: hidden; }
.lobeda-markers [aria-pressed="true"] svg { outline: 3px solid #e08a00; outline-offset: 1px; border-radius: 50%; }
.lobeda-markers button:focus-visible { outline: 3px solid #e08a00; outline-offset: 1px; border-radius: 10px; opacity: 1; }
.lobeda-markers button:hover { opacity: 1; z-index: 9999 !important; }
.lobeda-markers .spoke svg { animation: lobeda-spoke .9s ease-out; }
@keyframes lobeda-spoke { 0% { transform: scale(1.32); } 100% { transform: none; } }
@media (prefers-reduced-motion: reduce) { .lobeda-markers .spoke svg { animation: none; } }
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
.lobeda-divider { position: absolute; top: 0; bottom: 0; width: 28px; margin-left: -14px; cursor: ew-resize; touch-action: none; }
.lobeda-divider[hidden] { display: none; }
.lobeda-divider[data-mode="split"] { pointer-events: none; }
.lobeda-divider::before { content: ""; position: absolute; left: 12px; top: 0; bottom: 0; width: 4px; background: #fff; box-shadow: 0 0 4px rgb(10 25 32 / 55%); }
.lobeda-divider .grip { position: absolute; left: -8px; top: 42%; width: 44px; height: 44px; border-radius: 50%; background: #0a6970; color: #fff; border: 3px solid #fff; box-shadow: 0 1px 6px rgb(10 25 32 / 45%); display: grid; place-items: center; }
.lobeda-divider .grip[hidden] { display: none; }
.lobeda-divider .grip:focus-visible { outline: 3px solid #e08a00; outline-offset: 2px; }
.lobeda-divider .grip svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
.lobeda-divider span { position: absolute; top: var(--scene-names-top, 12px); padding: 3px 10px; border-radius: 7px; background: rgb(15 47 54 / 88%); color: #fff; font-size: 13px; font-weight: 650; white-space: nowrap; pointer-events: none; }
.lobeda-divider .left { right: 23px; }
.lobeda-divider .right { left: 23px; }
.lobeda-cross { position: absolute; left: 50%; top: 50%; width: 34px; height: 34px; margin: -17px 0 0 -17px; pointer-events: none; display: none; border-radius: 50%; border: 2px solid #fff; box-shadow: 0 0 0 2px #0a6970, inset 0 0 0 1px #0a6970; }
.lobeda-cross::before, .lobeda-cross::after { content: ""; position: absolute; background: #0a6970; box-shadow: 0 0 0 1px #fff; }
.lobeda-cross::before { left: 14px; top: 7px; width: 2px; height: 16px; }
.lobeda-cross::after { top: 14px; left: 7px; height: 2px; width: 16px; }
.lobeda-scene.placing .lobeda-markers button { pointer-events: none; }
.lobeda-scene.placing canvas { cursor: crosshair; }
.lobeda-scene.placing canvas:focus-visible ~ .lobeda-cross { display: block; }
@media (max-width: 480px) { .lobeda-tools .wide-only { display: none; } .lobeda-labels span { font-size: 11px; } .lobeda-labels span[data-kind="quarter"] { font-size: 13px; } }
@media print { .lobeda-tools, .lobeda-markers, .lobeda-cross { display: none; } }
`;
