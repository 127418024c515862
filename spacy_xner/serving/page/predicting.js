/** Predictions of many texts: in parts, two at a time, so that no request is too large or too slow. */

import { request } from "./api.js";
import { t } from "./language.js";
import { makeEntity, state } from "./state.js";

const MAX_TEXTS = 32;
const MAX_CHARACTERS = 50_000;
const N_WORKERS = 2;

function cutParts(texts) {
  const parts = [];
  let size = Infinity;
  for (const text of texts) {
    if (size + text.text.length > MAX_CHARACTERS || parts.at(-1).length >= MAX_TEXTS) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1).push(text);
    size += text.text.length;
  }
  return parts;
}

const isWellFormed = (text) => !/\p{Surrogate}/u.test(text);

/** Return texts as the page keeps them. */
export function makeTexts(strings) {
  return strings.map((text, i) => ({
    n: i + 1,
    text,
    predicted: [],
    edited: null,
    cats: {},
    editedCats: null,
    score: null,
    isChecked: false,
    problem: null,
  }));
}

function fill(text, prediction) {
  // `spans` also has the nested entities.
  const entities = prediction.spans ?? prediction.entities;
  text.predicted = entities.map(({ start, end, label, score }) => makeEntity(start, end, label, score ?? null));
  text.cats = prediction.cats ?? {};
  text.score = prediction.score ?? null;
  text.problem = null;
}

async function predictPart(part, threshold, options) {
  const body = { texts: part.map((text) => text.text), model: state.model.name, offsets: "utf-16" };
  if (threshold !== null) body.threshold = threshold;
  try {
    const { predictions } = await (await request("v1/predict", body, options)).json();
    part.forEach((text, i) => fill(text, predictions[i]));
  } catch (error) {
    if (error.status !== 413) throw error;
    if (part.length === 1) {
      part[0].problem = error.message;
      return;
    }
    // The limits of a service are its own; halves may be within them.
    const middle = part.length >> 1;
    await predictPart(part.slice(0, middle), threshold, options);
    await predictPart(part.slice(middle), threshold, options);
  }
}

/**
 * Predict the entities of texts, in place. One that the service cannot take gets a `problem`.
 * @param {number|null} threshold - Null for the model's own.
 * @param {{signal: AbortSignal, onWait, onProgress: (done: number) => void}} options
 */
export async function predict(texts, threshold, options) {
  const valid = texts.filter((text) => isWellFormed(text.text));
  for (const text of texts) if (!isWellFormed(text.text)) text.problem = t("error_surrogate");
  const parts = cutParts(valid);
  let done = texts.length - valid.length;
  const work = async () => {
    for (let part = parts.shift(); part; part = parts.shift()) {
      await predictPart(part, threshold, options);
      options.onProgress((done += part.length));
    }
  };
  await Promise.all(Array.from({ length: N_WORKERS }, work));
}
