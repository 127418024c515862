/** What the user can do with the target, by keys and by buttons alike; each says what it did. */

import { announce } from "./dom.js";
import { addEntity, moveBorder, redo, relabel, removeEntity, setChecked, undo } from "./edits.js";
import { t } from "./language.js";
import { neighbour, reveal } from "./cards.js";
import { elementOf, place, placeAt, target, targetEntity } from "./target.js";
import { entitiesOf, orderedTexts } from "./state.js";
import { inOrder, step } from "./spans.js";

const partOf = (text, entity) => text.text.slice(entity.start, entity.end);

/** Give a label to the selected characters, or to the entity at the caret. */
export function giveLabel(label) {
  const { text, start, end } = target;
  if (!text) return;
  const entity = targetEntity();
  const isSelection = start < end;
  if (!isSelection && !entity) return announce(t("target_none"));
  const labelled = isSelection ? addEntity(text, start, end, label) : relabel(text, entity, label);
  if (!labelled) return announce(t("target_none"));
  placeAt(text, labelled);
  announce(t("was_added", { text: partOf(text, labelled), label }));
}

/** Remove the entity at the caret. */
export function remove() {
  const { text } = target;
  const entity = targetEntity();
  if (!entity) return announce(t("target_none"));
  removeEntity(text, entity);
  place(text, entity.start);
  announce(t("was_removed", { text: partOf(text, entity) }));
}

/** Move a border of the entity by characters, in the order of the text. */
export function nudge(side, steps) {
  const { text } = target;
  const entity = targetEntity();
  if (!entity) return announce(t("target_none"));
  const moved = moveBorder(text, entity, side, step(text.text, entity[side], steps));
  placeAt(text, moved);
  announce(t("border_moved", { text: partOf(text, moved) }));
}

/** Go to another text. */
export function goToText(steps) {
  const next = target.text && neighbour(target.text, steps);
  if (!next) return announce(t("last_text"));
  reveal(next);
  place(next, 0);
  elementOf(next).closest(".card").scrollIntoView({ block: "nearest" });
}

/** Go to the next or previous entity, also of other texts. */
export function goToEntity(steps) {
  const own = inOrder(entitiesOf(target.text));
  const at = own.findIndex((entity) => entity.id === target.id);
  const ahead = own.filter((entity) => (steps > 0 ? entity.start >= target.end : entity.start < target.start));
  let text = target.text;
  let next = at >= 0 ? own[at + steps] : steps > 0 ? ahead[0] : ahead.at(-1);
  while (!next && (text = neighbour(text, steps))) next = inOrder(entitiesOf(text)).at(steps > 0 ? 0 : -1);
  if (!next) return announce(t("no_next_entity"));
  reveal(text);
  placeAt(text, next);
}

/** Mark the text as checked, and go to the next. */
export function checkText() {
  const { text } = target;
  setChecked(text, true);
  if (neighbour(text, 1)) goToText(1);
  announce(t("text_checked", { n: text.n }));
}

function travel(move, done, nothing) {
  const text = move();
  if (!text) return announce(t(nothing));
  reveal(text);
  place(text, text === target.text ? target.start : 0);
  announce(t(done, { n: text.n }));
}

export const undoLast = () => travel(undo, "undone", "nothing_to_undo");
export const redoLast = () => travel(redo, "redone", "nothing_to_redo");

/** Go to an entity from elsewhere, such as the table. */
export function goTo(text, entity) {
  reveal(text);
  placeAt(text, entity);
}

/** Go to the first text. */
export function goToFirst() {
  const first = target.text ?? orderedTexts()[0];
  if (first) place(first, target.start, target.end);
}
