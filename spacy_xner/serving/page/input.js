/** The form of texts: pasted, from a file, or an example; and the requests that it starts. */

import { goToFirst } from "./actions.js";
import { $, announce, showProblem } from "./dom.js";
import { forget } from "./edits.js";
import { t } from "./language.js";
import { makeTexts, predict } from "./predicting.js";
import { readFile, readLines } from "./reading.js";
import { anyOverlap } from "./spans.js";
import { emit, entitiesOf, state } from "./state.js";

let fromFile = null;
let run = null;

/** Return the threshold from which the predictions of a model are complete: its own, the largest one if by label. */
function ownThreshold() {
  const own = state.model.threshold ?? 0;
  return typeof own === "number" ? own : Math.max(0, ...Object.values(own));
}

function showProgress(done, n, message = null) {
  $("progress").hidden = done === null;
  if (done === null) return;
  $("progress").querySelector("progress").value = n ? done / n : 0;
  $("progress").querySelector("span").textContent = message ?? t("progress_n", { done, n });
}

/** Predict texts. Returns whether it was finished: not if it was cancelled, or failed. */
async function predictAll(texts, threshold) {
  run?.abort();
  const current = (run = new AbortController());
  showProblem("");
  showProgress(0, texts.length);
  try {
    await predict(texts, threshold, {
      signal: current.signal,
      onProgress: (done) => showProgress(done, texts.length),
      onWait: (n) => showProgress(0, texts.length, t("waiting", { n })),
    });
    return true;
  } catch (error) {
    if (!current.signal.aborted) showProblem(error.message);
    // A failed part stops the other.
    current.abort();
    return false;
  } finally {
    if (run === current) showProgress(null);
  }
}

function isExclusive(texts) {
  const sums = texts.map((text) => Object.values(text.cats)).filter((scores) => scores.length > 1);
  return sums.length > 0 && sums.every((scores) => Math.abs(scores.reduce((a, b) => a + b) - 1) < 0.01);
}

function showFailures(texts) {
  const failed = texts.filter((text) => text.problem);
  if (failed.length) showProblem(t("n_failed", { n: failed.length, detail: failed[0].problem }));
}

/** Predict the texts of the form, and show them. */
async function find() {
  const strings = fromFile ? fromFile.texts : readLines($("paste").value);
  if (!strings.length) return showProblem(t("no_texts"));
  if (!state.isSaved && !confirm(t("unsaved"))) return;
  const texts = makeTexts(strings);
  if (!(await predictAll(texts, null))) return;
  state.texts = texts;
  state.threshold = 0;
  state.complete = ownThreshold();
  state.isExclusive = isExclusive(texts);
  state.mayOverlap = texts.some((text) => anyOverlap(text.predicted));
  forget();
  $("results").hidden = false;
  emit("labels");
  emit("texts");
  showFailures(texts);
  const n = texts.reduce((sum, text) => sum + entitiesOf(text).length, 0);
  announce(t("found", { entities: t("n_entities", { n }), texts: t("n_texts", { n: texts.length }) }));
  goToFirst();
}

/** Get the entities below the threshold of the last request; texts with corrections stay as they are. */
export async function lowerThreshold(threshold) {
  const texts = state.texts.filter((text) => !text.edited && !text.problem);
  const before = texts.map((text) => text.predicted);
  if (await predictAll(texts, threshold)) {
    state.complete = threshold;
    emit("labels");
    emit("threshold");
  } else texts.forEach((text, i) => (text.predicted = before[i]));
}

function setFile(file) {
  fromFile = file;
  $("paste").hidden = Boolean(file);
  $("file-chip").hidden = !file;
  if (!file) return;
  $("file-name").textContent = file.name;
  $("file-count").textContent = t("n_texts", { n: file.texts.length });
}

async function openFile(file) {
  if (!file) return;
  showProblem("");
  try {
    setFile({ name: file.name, texts: await readFile(file) });
  } catch (error) {
    return showProblem(error.message);
  }
  find();
}

function acceptDrops() {
  const hasFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!hasFile(event)) return;
    event.preventDefault();
    $("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => event.relatedTarget || ($("drop").hidden = true));
  addEventListener("drop", (event) => {
    $("drop").hidden = true;
    if (!hasFile(event)) return;
    event.preventDefault();
    openFile(event.dataTransfer.files[0]);
  });
}

/** Listen to the form. */
export function startInput() {
  $("input").onsubmit = (event) => {
    event.preventDefault();
    find();
  };
  $("paste").onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) find();
  };
  $("choose-file").onclick = () => $("file").click();
  $("file").onchange = () => {
    openFile($("file").files[0]);
    // The same file may be chosen again.
    $("file").value = "";
  };
  $("file-remove").onclick = () => {
    setFile(null);
    $("paste").focus();
  };
  $("example").onclick = () => {
    setFile(null);
    $("paste").value = t("example");
    find();
  };
  $("cancel").onclick = () => run?.abort();
  acceptDrops();
}
