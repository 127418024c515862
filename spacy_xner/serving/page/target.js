/** What keys and buttons act on: the selected characters of a text, or the entity at the caret. */

import { announce } from "./dom.js";
import { sayScore, t } from "./language.js";
import { offsetOf, placeOf } from "./marks.js";
import { entitiesOf } from "./state.js";
import { entityAt } from "./spans.js";

export const target = { text: null, start: 0, end: 0, id: null };

const elements = new Map();
const listeners = [];

/** Call a function whenever another text, selection or entity is the target. */
export const onTarget = (listener) => listeners.push(listener);

/** Remember the element in which a text is shown. */
export function register(el, text) {
  elements.set(text, el);
  el.addEventListener("focus", () => {
    if (target.text !== text) aim(text, 0, 0);
  });
}

/** Forget all elements. */
export function clearTarget() {
  elements.clear();
  Object.assign(target, { text: null, start: 0, end: 0, id: null });
  for (const listener of listeners) listener();
}

/** Return the element of a text, if it is on the page. */
export const elementOf = (text) => elements.get(text);

/** Return the text that an element shows. */
export const textIn = (el) => [...elements].find(([, other]) => other === el)?.[0];

/** Return the entity that is the target; null if there is none. */
export function targetEntity() {
  return target.text ? (entitiesOf(target.text).find((entity) => entity.id === target.id) ?? null) : null;
}

/** Return the selected characters. */
export const targetPart = () => (target.text ? target.text.text.slice(target.start, target.end) : "");

/** Describe an entity in words. */
export const describe = (text, entity) =>
  t("at_entity", { text: text.text.slice(entity.start, entity.end), label: entity.label, score: sayScore(entity) });

function aim(text, start, end, id = undefined) {
  const before = target.id;
  if (id === undefined) id = start === end ? (entityAt(entitiesOf(text), start)?.id ?? null) : null;
  Object.assign(target, { text, start, end, id });
  for (const listener of listeners) listener();
  if (id !== null && id !== before) announce(describe(text, targetEntity()));
}

/** Set the caret or the selection, and the focus, to a place in a text. */
export function place(text, start, end = start, id = undefined) {
  const el = elementOf(text);
  if (!el) return;
  aim(text, start, end, id);
  el.focus({ preventScroll: true });
  getSelection().setBaseAndExtent(...placeOf(el, start), ...placeOf(el, end));
  el.scrollIntoView({ block: "nearest" });
}

/** Make an entity the target, with the caret at its start. */
export const placeAt = (text, entity) => place(text, entity.start, entity.start, entity.id);

/** Set the caret again after the element was drawn anew. */
export function replace() {
  if (target.text) place(target.text, target.start, target.end, target.id ?? undefined);
}

/** Read the selection of the browser, whose event may come after the next key. */
export function syncTarget() {
  const { anchorNode, anchorOffset, focusNode, focusOffset } = getSelection();
  const el = (anchorNode?.nodeType === Node.TEXT_NODE ? anchorNode.parentElement : anchorNode)?.closest?.(".text");
  // Elsewhere, the target stays: buttons act on it.
  if (!el || !el.contains(focusNode) || document.activeElement !== el) return;
  const text = textIn(el);
  if (!text) return;
  const [start, end] = [offsetOf(el, anchorNode, anchorOffset), offsetOf(el, focusNode, focusOffset)].sort((a, b) => a - b);
  if (text !== target.text || start !== target.start || end !== target.end) aim(text, start, end);
}

document.addEventListener("selectionchange", syncTarget);
