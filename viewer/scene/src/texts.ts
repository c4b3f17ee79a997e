import type { Language } from "./types";

const TEXTS = {
  de: {
    scene: "3D-Ansicht. Pfeiltasten verschieben, mit Umschalttaste drehen, Plus und Minus zoomen, Pos1 zeigt alles, Escape hebt die Auswahl auf.",
    noWebGL: "Dieser Browser kann keine 3D-Bilder zeigen: WebGL 2 fehlt oder ist abgeschaltet. Alle Angaben stehen auch in der Tabelle.",
    failed: "Die 3D-Ansicht konnte nicht geladen werden",
    zoomIn: "Näher heran", zoomOut: "Weiter weg", north: "Nach Norden ausrichten", home: "Alles zeigen",
    tilt: "Von oben oder schräg",
    left: "Vorher", right: "Nachher", divider: "Trennlinie des Vergleichs",
  },
  en: {
    scene: "3D view. Arrow keys move, with shift they turn, plus and minus zoom, Home shows everything, Escape clears the selection.",
    noWebGL: "This browser cannot show 3D pictures: WebGL 2 is missing or switched off. All figures are in the table as well.",
    failed: "The 3D view could not be loaded",
    zoomIn: "Closer", zoomOut: "Further away", north: "Turn to the north", home: "Show everything",
    tilt: "From above or oblique",
    left: "Before", right: "After", divider: "Divider of the comparison",
  },
} as const;

export type TextKey = keyof (typeof TEXTS)["de"];

export const text = (language: Language, key: TextKey): string => TEXTS[language][key];
