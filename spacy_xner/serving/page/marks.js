/** The element of a text: its characters with marks around entities, and places in it. */

import { make } from "./dom.js";
import { paint } from "./hues.js";
import { percent } from "./language.js";
import { nest, step } from "./spans.js";

const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]|\ud83a[\udd00-\udd5f]/;

function makeMark(text, piece, activeId) {
  const { entity } = piece;
  const mark = make("mark", {}, ...makeNodes(text, piece.children, piece.start, piece.end, activeId));
  mark.dataset.id = entity.id;
  if (piece.isLast) mark.dataset.tag = entity.score === null ? `${entity.label} ✓` : `${entity.label} ${percent(entity.score)}`;
  mark.classList.toggle("by-hand", entity.score === null);
  mark.classList.toggle("active", entity.id === activeId);
  mark.classList.toggle("cut-before", !piece.isFirst);
  mark.classList.toggle("cut-behind", !piece.isLast);
  paint(mark, entity.label);
  // Probabilities of entities are mostly above one half: the square keeps the rest apart.
  mark.style.setProperty("--strength", entity.score === null ? 1 : Math.max(0.12, entity.score ** 2).toFixed(3));
  return mark;
}

function makeNodes(text, pieces, start, end, activeId) {
  const nodes = [];
  let at = start;
  for (const piece of pieces) {
    if (at < piece.start) nodes.push(text.slice(at, piece.start));
    nodes.push(makeMark(text, piece, activeId));
    at = piece.end;
  }
  if (at < end) nodes.push(text.slice(at, end));
  return nodes;
}

/** Show a text with its entities. Labels are drawn by the style sheet, so that `el` has the text's characters only. */
export function drawText(el, text, entities, activeId) {
  el.replaceChildren(...makeNodes(text, nest(entities), 0, text.length, activeId));
}

/** Return the offset of a place in the element. */
export function offsetOf(el, node, nodeOffset) {
  const range = document.createRange();
  range.selectNodeContents(el);
  range.setEnd(node, nodeOffset);
  return range.toString().length;
}

/** Return the place of an offset: a text node, and an offset in it. */
export function placeOf(el, offset) {
  const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  let node = walker.nextNode();
  while (node && offset > node.length) {
    offset -= node.length;
    node = walker.nextNode();
  }
  return node ? [node, offset] : [el, 0];
}

/** Return the offset under a point of the window, or null outside of the element. */
export function offsetAtPoint(el, x, y) {
  let node, offset;
  if (document.caretPositionFromPoint) ({ offsetNode: node, offset } = document.caretPositionFromPoint(x, y) ?? {});
  else ({ startContainer: node, startOffset: offset } = document.caretRangeFromPoint(x, y) ?? {});
  return node && el.contains(node) ? offsetOf(el, node, offset) : null;
}

function boxesOf(el, start, end) {
  const range = document.createRange();
  // A text node of its own for each piece: the first character of the range is in the node behind the border.
  const walker = document.createTreeWalker(el, NodeFilter.SHOW_TEXT);
  let at = 0;
  let isBegun = false;
  for (let node = walker.nextNode(); node; at += node.length, node = walker.nextNode()) {
    if (!isBegun && at + node.length > start) {
      range.setStart(node, start - at);
      isBegun = true;
    }
    if (isBegun && at + node.length >= end) {
      range.setEnd(node, end - at);
      return range.getClientRects();
    }
  }
  return [];
}

/** Return where a border of an entity is in the window: `{x, top, bottom}`; null if it cannot be seen. */
export function borderBox(el, text, entity, side) {
  const isStart = side === "start";
  const from = isStart ? entity.start : step(text, entity.end, -1);
  const to = isStart ? step(text, entity.start, 1) : entity.end;
  const box = [...boxesOf(el, from, to)].at(isStart ? 0 : -1);
  if (!box) return null;
  const isLeft = isStart !== RIGHT_TO_LEFT.test(text.slice(from, to));
  return { x: isLeft ? box.left : box.right, top: box.top, bottom: box.bottom };
}
