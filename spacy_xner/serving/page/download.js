/** Files of the texts with their entities, written by the service as spacy-xner writes all of its files. */

import { request } from "./api.js";
import { $, announce, make, showProblem } from "./dom.js";
import { t } from "./language.js";
import { anyOverlap, inOrder } from "./spans.js";
import { catsOf, entitiesOf, on, state } from "./state.js";

function chosenTexts() {
  const texts = state.texts.filter((text) => !text.problem);
  return $("scope").value === "checked" ? texts.filter((text) => text.isChecked) : texts;
}

function toJson(text) {
  const cats = Object.entries(catsOf(text)).map(([name, isChosen]) => [name, Number(isChosen)]);
  const entities = inOrder(entitiesOf(text)).map(({ start, end, label }) => ({ start, end, label }));
  return { text: text.text, entities, ...(cats.length && { cats: Object.fromEntries(cats) }) };
}

/** Return the name of a file from `Content-Disposition`. */
function nameOf(response, format) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1];
  return encoded ? decodeURIComponent(encoded) : (/filename="?([^";]+)/i.exec(header)?.[1] ?? `texts.${format}`);
}

function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function download() {
  const format = $("format").value;
  showProblem("");
  try {
    const body = { format, model: state.model.name, offsets: "utf-16", texts: chosenTexts().map(toJson) };
    const response = await request("v1/export", body);
    const name = nameOf(response, format);
    save(await response.blob(), name);
    state.isSaved = true;
    announce(t("downloaded", { name }));
  } catch (error) {
    showProblem(error.status === 413 ? t("error_export_large", { detail: error.detail }) : error.message);
  }
}

function draw() {
  const valid = state.texts.filter((text) => !text.problem);
  const nChecked = valid.filter((text) => text.isChecked).length;
  const [all, checked] = $("scope").options;
  all.textContent = t("scope_all", { n: valid.length });
  checked.textContent = t("scope_checked", { n: nChecked });
  checked.disabled = !nChecked;
  if (!nChecked) $("scope").value = "all";
  const isFlat = $("format").value === "conll" && chosenTexts().some((text) => anyOverlap(entitiesOf(text)));
  $("download-hint").textContent = isFlat ? t("conll_flat") : "";
}

/** Listen to the form. */
export function startDownload() {
  $("download").onsubmit = (event) => {
    event.preventDefault();
    download();
  };
  $("format").onchange = $("scope").onchange = draw;
  for (const name of ["texts", "text", "threshold"]) on(name, draw);
  addEventListener("beforeunload", (event) => state.isSaved || event.preventDefault());
}
