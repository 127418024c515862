/** Changes of texts by the user, each of which can be undone. */

import { catsOf, emit, entitiesOf, makeEntity, state } from "./state.js";
import { overlap, tidy } from "./spans.js";

const past = [];
const future = [];

const snapshot = (text) => ({ edited: text.edited, editedCats: text.editedCats, isChecked: text.isChecked });

function change(text, changes) {
  past.push({ text, values: snapshot(text) });
  future.length = 0;
  Object.assign(text, changes);
  state.isSaved = false;
  emit("text", text);
}

/** Forget all changes, as there are other texts. */
export function forget() {
  past.length = future.length = 0;
  state.isSaved = true;
}

/** Return the entities that remain beside one that is new or has other borders. */
function beside(entities, entity) {
  return entities.filter(
    (other) =>
      other.id !== entity.id &&
      !(other.start === entity.start && other.end === entity.end && other.label === entity.label) &&
      (state.mayOverlap || !overlap(other, entity)),
  );
}

function put(text, entity) {
  change(text, { edited: [...beside(entitiesOf(text), entity), entity], isChecked: true });
  return entity;
}

/** Add an entity; without overlaps, those in its place are removed. Returns null if it would be white space. */
export function addEntity(text, start, end, label) {
  const place = tidy(text.text, start, end);
  return place && put(text, makeEntity(place.start, place.end, label));
}

/** Give another label to an entity. */
export function relabel(text, entity, label) {
  return entity.label === label ? entity : put(text, { ...entity, label, score: null });
}

/** Return an entity with another border; itself if it would vanish or nothing changes. */
export function withBorder(text, entity, side, offset) {
  const moved = { ...entity, [side]: offset, score: null };
  const isUnchanged = offset === entity[side];
  return isUnchanged || moved.start >= moved.end || !text.text.slice(moved.start, moved.end).trim() ? entity : moved;
}

/** Move a border of an entity. */
export function moveBorder(text, entity, side, offset) {
  const moved = withBorder(text, entity, side, offset);
  return moved === entity ? entity : put(text, moved);
}

/** Return the entities of a text as they would be with a changed one. */
export const preview = (text, entity) => [...beside(entitiesOf(text), entity), entity];

/** Remove an entity. */
export function removeEntity(text, entity) {
  change(text, { edited: entitiesOf(text).filter((other) => other.id !== entity.id), isChecked: true });
}

/** Choose a label of the whole text, or no longer. */
export function toggleCat(text, name) {
  const cats = catsOf(text);
  const others = state.isExclusive ? Object.fromEntries(Object.keys(cats).map((other) => [other, false])) : cats;
  change(text, { editedCats: { ...others, [name]: state.isExclusive || !cats[name] }, isChecked: true });
}

/**
 * Mark a text as checked, or no longer. What is checked stays as it is, whatever the threshold becomes.
 */
export function setChecked(text, isChecked) {
  if (text.isChecked === isChecked) return;
  change(text, isChecked ? { isChecked, edited: entitiesOf(text), editedCats: catsOf(text) } : { isChecked });
}

/** Return to what the model predicted. */
export function restore(text) {
  change(text, { edited: null, editedCats: null, isChecked: false });
}

function travel(from, to) {
  const item = from.pop();
  if (!item) return null;
  to.push({ text: item.text, values: snapshot(item.text) });
  Object.assign(item.text, item.values);
  state.isSaved = false;
  emit("text", item.text);
  return item.text;
}

/** Undo the last change. Returns its text, or null if there is none. */
export const undo = () => travel(past, future);

/** Do again what was undone last. */
export const redo = () => travel(future, past);

export const canUndo = () => past.length > 0;
export const canRedo = () => future.length > 0;
