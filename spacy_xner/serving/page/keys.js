/** The keyboard in texts. The caret and the selection are the browser's own; nothing can be typed. */

import { checkText, giveLabel, goToEntity, goToText, nudge, redoLast, remove, undoLast } from "./actions.js";
import { drawCard } from "./cards.js";
import { $ } from "./dom.js";
import { labelNames } from "./state.js";
import { place, replace, syncTarget, target } from "./target.js";

/** Keys, for the help: each with the message that explains it. */
export const HELP = [
  ["key_run", "Ctrl Enter"],
  ["key_caret", "← → ↑ ↓"],
  ["key_text", "Page Down, Page Up"],
  ["key_entity", ". ,"],
  ["key_label", "1 – 9"],
  ["key_dock", "Space"],
  ["key_end", "Alt ← →"],
  ["key_start", "Alt Shift ← →"],
  ["key_remove", "Delete"],
  ["key_check", "Enter"],
  ["key_undo", "Ctrl Z"],
  ["key_help", "?"],
];

function digitOf(event) {
  // The place of the key: with some layouts, digits need Shift.
  const found = /^(?:Digit|Numpad)([1-9])$/.exec(event.code) ?? /^([1-9])$/.exec(event.key);
  return found && Number(found[1]);
}

function arrow(event) {
  const steps = event.key === "ArrowRight" ? 1 : -1;
  // Arrows point to a side of the page, as those of the caret do.
  const isRightToLeft = getComputedStyle(event.target).direction === "rtl";
  nudge(event.shiftKey ? "start" : "end", isRightToLeft ? -steps : steps);
}

const PLAIN = {
  "PageDown": () => goToText(1),
  "PageUp": () => goToText(-1),
  ".": () => goToEntity(1),
  ",": () => goToEntity(-1),
  " ": () => $("labels").querySelector("button")?.focus(),
  "Delete": remove,
  "Backspace": remove,
  "Enter": checkText,
  "Escape": () => place(target.text, target.end),
  "?": () => $("open-help").click(),
};

function chooseAction(event) {
  const isCommand = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isCommand && !event.altKey) {
    if (key === "z") return event.shiftKey ? redoLast : undoLast;
    return key === "y" ? redoLast : null;
  }
  if (event.altKey) return !isCommand && ["ArrowLeft", "ArrowRight"].includes(event.key) ? () => arrow(event) : null;
  const digit = !event.shiftKey && digitOf(event);
  if (digit) return () => labelNames()[digit - 1] && giveLabel(labelNames()[digit - 1]);
  return PLAIN[event.key] ?? PLAIN[{ Period: ".", Comma: "," }[event.key === "Process" ? event.code : ""]];
}

/** Listen to the keys. */
export function startKeys() {
  const list = $("cards");
  list.addEventListener("keydown", (event) => {
    if (!event.target.matches(".text") || event.isComposing) return;
    const action = chooseAction(event);
    if (!action) return;
    event.preventDefault();
    syncTarget();
    action();
  });
  for (const name of ["beforeinput", "drop", "dragstart", "paste", "cut"])
    list.addEventListener(name, (event) => event.target.closest?.(".text") && event.preventDefault());
  // What an input method composes cannot be refused, so the text is drawn again.
  list.addEventListener("compositionend", () => {
    drawCard(target.text);
    replace();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, textarea, select, .text, dialog");
    if (event.key === "?" && !isTyping) $("open-help").click();
  });
}
