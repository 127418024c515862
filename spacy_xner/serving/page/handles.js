/** Handles at the borders of the entity under the pointer, or at the caret, by which these are dragged. */

import { drawCard } from "./cards.js";
import { $, make } from "./dom.js";
import { moveBorder, preview, withBorder } from "./edits.js";
import { borderBox, offsetAtPoint } from "./marks.js";
import { step } from "./spans.js";
import { entitiesOf, on } from "./state.js";
import { elementOf, onTarget, placeAt, target, targetEntity, textIn } from "./target.js";

const handles = {};
let shown = null;
let drag = null;

function show(text, entity) {
  shown = entity && elementOf(text) ? { text, entity } : null;
  const body = shown && elementOf(text).parentElement;
  for (const side of ["start", "end"]) {
    const box = shown && borderBox(elementOf(text), text.text, entity, side);
    handles[side].hidden = !box;
    if (!box) continue;
    if (handles[side].parentElement !== body) body.append(handles[side]);
    const frame = body.getBoundingClientRect();
    handles[side].style.left = `${box.x - frame.left}px`;
    handles[side].style.top = `${box.top - frame.top}px`;
    handles[side].style.height = `${box.bottom - box.top}px`;
  }
}

const showTarget = () => show(target.text, targetEntity());

function begin(event, side) {
  if (!shown || event.button) return;
  event.preventDefault();
  drag = { ...shown, side, moved: shown.entity };
  document.body.classList.add("dragging");
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", finish);
  document.addEventListener("pointercancel", cancel);
  document.addEventListener("keydown", escape, true);
}

function move(event) {
  const offset = offsetAtPoint(elementOf(drag.text), event.clientX, event.clientY);
  if (offset === null) return;
  drag.moved = withBorder(drag.text, drag.entity, drag.side, step(drag.text.text, offset, 0));
  drawCard(drag.text, preview(drag.text, drag.moved));
  show(drag.text, drag.moved);
}

function end() {
  document.body.classList.remove("dragging");
  document.removeEventListener("pointermove", move);
  document.removeEventListener("pointerup", finish);
  document.removeEventListener("pointercancel", cancel);
  document.removeEventListener("keydown", escape, true);
  const last = drag;
  drag = null;
  return last;
}

function finish() {
  const { text, entity, side, moved } = end();
  placeAt(text, moveBorder(text, entity, side, moved[side]));
}

function cancel() {
  const { text } = end();
  drawCard(text);
  showTarget();
}

function escape(event) {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.stopPropagation();
  cancel();
}

/** Make the handles, and listen to the pointer. Keys and buttons do the same, so they are hidden from the reader. */
export function startHandles() {
  for (const side of ["start", "end"]) {
    handles[side] = make("div", { className: `handle ${side}`, "aria-hidden": "true", hidden: true });
    handles[side].addEventListener("pointerdown", (event) => begin(event, side));
  }
  $("cards").addEventListener("pointerover", (event) => {
    const mark = event.target.closest("mark");
    if (drag || event.pointerType !== "mouse" || event.buttons || !mark) return;
    const text = textIn(mark.closest(".text"));
    show(text, entitiesOf(text).find((entity) => String(entity.id) === mark.dataset.id));
  });
  const update = () => drag || showTarget();
  onTarget(update);
  for (const name of ["text", "texts", "threshold"]) on(name, update);
  new ResizeObserver(update).observe($("cards"));
}
