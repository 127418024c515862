/**
 * What the page knows. Those who show it listen to `events`: "texts" (another list, or another order),
 * "text" (one of them), "threshold", "labels".
 *
 * A text is `{n, text, predicted, edited, cats, editedCats, score, isChecked}`: `predicted` has the entities of
 * the model, `edited` those of the user, null as long as nothing was changed. An entity is
 * `{id, start, end, label, score}`, in UTF-16 units as JavaScript counts; `score` is null if a user made it.
 */

export const state = {
  models: [],
  model: null,
  texts: [],
  order: "score",
  threshold: 0,
  // From here up, the predictions are complete: no request is needed for a higher threshold.
  complete: 0,
  mayOverlap: false,
  addedLabels: [],
  isExclusive: false,
  isSaved: true,
};

export const events = new EventTarget();

/** Tell the listeners of an event. */
export const emit = (name, detail = null) => events.dispatchEvent(new CustomEvent(name, { detail }));

/** Listen to an event; the listener gets its detail. */
export const on = (name, listener) => events.addEventListener(name, (event) => listener(event.detail));

let lastId = 0;

/** Make an entity with an id of its own. */
export const makeEntity = (start, end, label, score = null) => ({ id: ++lastId, start, end, label, score });

/** Return the entities of a text that are shown: those of the user, or those above the threshold. */
export function entitiesOf(text) {
  return text.edited ?? text.predicted.filter((entity) => entity.score === null || entity.score >= state.threshold);
}

/** Return the labels of a whole text: their names, and whether each is chosen. */
export function catsOf(text) {
  if (text.editedCats) return text.editedCats;
  const names = Object.keys(text.cats);
  const best = names.reduce((a, b) => (text.cats[b] > text.cats[a] ? b : a), names[0]);
  return Object.fromEntries(names.map((name) => [name, state.isExclusive ? name === best : text.cats[name] >= 0.5]));
}

/** Return how sure the model is of a text; null if it does not say. */
export function sureness(text) {
  if (text.score !== null) return text.score;
  const scores = text.predicted.map((entity) => entity.score).filter((score) => score !== null);
  return scores.length ? Math.min(...scores) : null;
}

/** Return the texts in the order in which they are shown. */
export function orderedTexts() {
  if (state.order === "given") return state.texts;
  return [...state.texts].sort((a, b) => (sureness(a) ?? 2) - (sureness(b) ?? 2) || a.n - b.n);
}

/** Return all labels of entities: of the model, of the texts, and those that the user added. */
export function labelNames() {
  const names = new Set(state.model?.entity_labels ?? []);
  for (const text of state.texts) for (const entity of text.predicted) names.add(entity.label);
  for (const label of state.addedLabels) names.add(label);
  return [...names];
}
