/** Hues of labels: those of displaCy's colours for known ones, else far apart by the golden angle. */

import { labelNames, on } from "./state.js";

// The same as in `spacy_xner/pipeline/colors.py`; a test compares them.
export const KNOWN = { PER: 249, PHONE: 111, COURIER: 37, ADDRESS: 349, EMAIL: 184 };
const ANGLE = 137.5;
const MIN_DISTANCE = 18;

let hues = new Map();

const distance = (a, b) => Math.min(Math.abs(a - b), 360 - Math.abs(a - b));

/** Choose a hue for each label. */
export function chooseHues(labels) {
  const chosen = new Map(labels.filter((label) => Object.hasOwn(KNOWN, label)).map((label) => [label, KNOWN[label]]));
  let i = 0;
  for (const label of labels) {
    if (chosen.has(label)) continue;
    let hue = Math.round(ANGLE * i++) % 360;
    // With many labels, there is no room left to keep apart.
    for (let tries = 0; tries < 12 && [...chosen.values()].some((other) => distance(hue, other) < MIN_DISTANCE); tries++)
      hue = Math.round(ANGLE * i++) % 360;
    chosen.set(label, hue);
  }
  return chosen;
}

/** Colour an element by a label. */
export function paint(el, label) {
  if (!hues.has(label)) hues = chooseHues(labelNames());
  el.style.setProperty("--hue", hues.get(label) ?? 0);
}

on("labels", () => (hues = chooseHues(labelNames())));
