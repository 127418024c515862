/** The page: starts its parts, and holds those that are only a few lines. */

import { request } from "./api.js";
import { startCards } from "./cards.js";
import { $, make, rove, showProblem } from "./dom.js";
import { startDock } from "./dock.js";
import { startDownload } from "./download.js";
import { startHandles } from "./handles.js";
import { lowerThreshold, startInput } from "./input.js";
import { HELP, startKeys } from "./keys.js";
import { fillPage, percent, t } from "./language.js";
import { emit, entitiesOf, on, state } from "./state.js";
import { refreshTable, startTable } from "./table.js";

function chooseModel(name) {
  state.model = state.models.find((model) => model.name === name);
  const { lang, version } = state.model;
  $("model-facts").textContent = [state.models.length > 1 ? "" : name, version, lang].filter(Boolean).join(" · ");
}

async function loadModels() {
  try {
    state.models = (await (await request("v1/models")).json()).models;
  } catch (error) {
    return showProblem(error.message);
  }
  const first = state.models.find((model) => model.default) ?? state.models[0];
  $("model").replaceChildren(...state.models.map(({ name }) => make("option", { value: name, textContent: name })));
  $("model").value = first.name;
  $("model-choice").hidden = state.models.length < 2;
  $("model").onchange = () => chooseModel($("model").value);
  chooseModel(first.name);
  $("find").disabled = $("example").disabled = $("choose-file").disabled = false;
}

function drawSummary() {
  const n = state.texts.reduce((sum, text) => sum + entitiesOf(text).length, 0);
  $("summary").textContent = t("summary", { texts: t("n_texts", { n: state.texts.length }), entities: t("n_entities", { n }) });
}

function startThreshold() {
  const slider = $("threshold");
  let timer = null;
  const draw = () => {
    $("threshold-value").textContent = percent(slider.value / 100);
    slider.setAttribute("aria-valuetext", percent(slider.value / 100));
  };
  slider.oninput = () => {
    draw();
    clearTimeout(timer);
    state.threshold = slider.value / 100;
    emit("threshold");
    // Above it, everything is here already.
    if (state.threshold < state.complete) timer = setTimeout(() => lowerThreshold(state.threshold), 400);
  };
  on("texts", () => {
    if (state.threshold === 0) slider.value = Math.round(100 * state.complete);
    draw();
  });
}

function startTabs() {
  const tabs = [$("tab-texts"), $("tab-table")];
  rove(tabs[0].parentElement, () => tabs);
  for (const tab of tabs)
    tab.onclick = () => {
      for (const other of tabs) {
        other.setAttribute("aria-selected", other === tab);
        other.tabIndex = other === tab ? 0 : -1;
        $(other.getAttribute("aria-controls")).hidden = other !== tab;
      }
      $("dock").hidden = tab !== tabs[0];
      refreshTable();
    };
}

function startHelp() {
  const rows = HELP.map(([message, keys]) => [make("dt", {}, make("kbd", { textContent: keys })), make("dd", { textContent: t(message) })]);
  rows.push([make("dt", { textContent: t("mouse") }), make("dd", { textContent: t("help_drag") })]);
  $("help").querySelector("dl").append(...rows.flat());
  $("open-help").onclick = () => $("help").showModal();
}

function startOverlap() {
  $("overlap").onchange = () => (state.mayOverlap = $("overlap").checked);
  on("texts", () => ($("overlap").checked = state.mayOverlap));
}

fillPage();
for (const start of [startCards, startTable, startInput, startThreshold, startTabs, startHelp, startOverlap]) start();
for (const start of [startDock, startHandles, startKeys, startDownload]) start();
for (const name of ["texts", "text", "threshold"]) on(name, drawSummary);

await loadModels();
