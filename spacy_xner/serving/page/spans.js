/** Arithmetic of entities and characters, without the page. Offsets are UTF-16 units. */

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const borders = new Map();

/** Return the offsets between the characters that people see: an emoji or an accented letter is never cut. */
export function bordersOf(text) {
  let found = borders.get(text);
  if (!found) {
    found = [...Array.from(segmenter.segment(text), (part) => part.index), text.length];
    if (borders.size > 500) borders.clear();
    borders.set(text, found);
  }
  return found;
}

/** Return the border that is `steps` characters away from an offset, or the nearest at or before it for 0. */
export function step(text, offset, steps) {
  const all = bordersOf(text);
  let i = all.findLastIndex((border) => border <= offset);
  // An offset inside of a character is already past its beginning.
  if (all[i] < offset && steps < 0) i += 1;
  return all[Math.max(0, Math.min(all.length - 1, i + steps))];
}

/** Widen a selection to whole characters, and cut white space from its ends; null if nothing is left. */
export function tidy(text, start, end) {
  start = step(text, start, 0);
  const last = step(text, end, 0);
  end = last < end ? step(text, end, 1) : last;
  const part = text.slice(start, end);
  if (!part.trim()) return null;
  return { start: start + part.length - part.trimStart().length, end: end - (part.length - part.trimEnd().length) };
}

export const overlap = (a, b) => a.start < b.end && b.start < a.end;

/** Return entities in the order of the text; outer ones come before those inside of them. */
export const inOrder = (entities) => [...entities].sort((a, b) => a.start - b.start || b.end - a.end || a.id - b.id);

/** Return whether some entities overlap. */
export function anyOverlap(entities) {
  let end = 0;
  return inOrder(entities).some((entity) => {
    const hit = entity.start < end;
    end = Math.max(end, entity.end);
    return hit;
  });
}

/**
 * Arrange entities as a tree of pieces, as elements need it: one that crosses the end of another is cut there.
 * @returns {{start, end, entity, isFirst, isLast, children}[]}
 */
export function nest(entities) {
  const roots = [];
  const stack = [];
  const queue = inOrder(entities.filter((entity) => entity.start < entity.end)).map((entity) => ({ start: entity.start, entity }));
  while (queue.length) {
    const { start, entity } = queue.shift();
    while (stack.length && stack.at(-1).end <= start) stack.pop();
    const parent = stack.at(-1);
    const end = parent ? Math.min(entity.end, parent.end) : entity.end;
    const piece = { start, end, entity, isFirst: start === entity.start, isLast: end === entity.end, children: [] };
    (parent ? parent.children : roots).push(piece);
    stack.push(piece);
    if (end < entity.end) {
      const at = queue.findIndex((other) => other.start > end || (other.start === end && other.entity.end < entity.end));
      queue.splice(at < 0 ? queue.length : at, 0, { start: end, entity });
    }
  }
  return roots;
}

/** Return the innermost entity at an offset: one around it, or else one that ends there. */
export function entityAt(entities, offset) {
  const width = (entity) => entity.end - entity.start;
  const around = entities.filter((entity) => entity.start <= offset && offset < entity.end);
  const near = around.length ? around : entities.filter((entity) => entity.end === offset);
  return near.reduce((best, entity) => (!best || width(entity) < width(best) ? entity : best), null);
}
