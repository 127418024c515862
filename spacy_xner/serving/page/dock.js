/** The bar at the foot of the window: labels, borders, remove, undo. It shows what the target is. */

import { giveLabel, goToFirst, nudge, redoLast, remove, undoLast } from "./actions.js";
import { $, make, rove } from "./dom.js";
import { canRedo, canUndo } from "./edits.js";
import { paint } from "./hues.js";
import { t } from "./language.js";
import { emit, labelNames, on, state } from "./state.js";
import { onTarget, target, targetEntity, targetPart } from "./target.js";

const MAX_SHOWN = 40;

const controls = () => [...$("dock").querySelectorAll("button, input")];

function shorten(text) {
  const characters = [...text.replace(/\s+/g, " ")];
  return characters.length > MAX_SHOWN ? `${characters.slice(0, MAX_SHOWN - 1).join("")}…` : characters.join("");
}

function drawLabels() {
  const buttons = labelNames().map((label, i) => {
    const button = make("button", { type: "button", className: "label", onclick: () => giveLabel(label) }, make("bdi", { textContent: label }));
    if (i < 9) button.append(make("kbd", { textContent: i + 1, "aria-hidden": "true" }));
    button.dataset.label = label;
    paint(button, label);
    return button;
  });
  $("labels").replaceChildren(...buttons);
  const first = $("choices").querySelector("button, input");
  for (const el of controls()) el.tabIndex = el === first ? 0 : -1;
  draw();
}

function draw() {
  const entity = targetEntity();
  const part = targetPart();
  $("target").textContent = part.trim()
    ? t("target_selection", { text: shorten(part) })
    : entity
      ? t("target_entity", { text: shorten(target.text.text.slice(entity.start, entity.end)) })
      : t("target_none");
  for (const button of $("labels").children) button.setAttribute("aria-pressed", entity?.label === button.dataset.label);
  setDisabled($("remove"), !entity);
  for (const button of $("borders").querySelectorAll("button")) setDisabled(button, !entity);
  setDisabled($("undo"), !canUndo());
  setDisabled($("redo"), !canRedo());
}

/** `aria-disabled` keeps the focus where it is, as `disabled` would not. */
const setDisabled = (button, isDisabled) => button.setAttribute("aria-disabled", isDisabled);

/** Listen to the buttons. */
export function startDock() {
  const dock = $("dock");
  rove(dock, controls);
  // A click takes neither the focus nor the selection from the text.
  dock.addEventListener("pointerdown", (event) => event.target.closest("button") && event.preventDefault());
  dock.addEventListener("keydown", (event) => {
    if (event.key === "Escape") goToFirst();
  });
  $("remove").onclick = remove;
  $("undo").onclick = undoLast;
  $("redo").onclick = redoLast;
  for (const button of $("borders").querySelectorAll("button")) {
    const [side, steps] = button.dataset.move.split(":");
    button.onclick = () => nudge(side, Number(steps));
  }
  $("new-label").onsubmit = (event) => {
    event.preventDefault();
    const field = event.target.elements[0];
    const label = field.value.trim();
    if (!label) return;
    if (!labelNames().includes(label)) state.addedLabels.push(label);
    field.value = "";
    emit("labels");
    giveLabel(label);
  };
  onTarget(draw);
  on("text", draw);
  on("texts", drawLabels);
  on("labels", drawLabels);
}
