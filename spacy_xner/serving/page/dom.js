/** Small helpers for elements. Text is only ever set as text. */

/** Return the element with an id. */
export const $ = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} name - Its tag.
 * @param {Object} properties - Properties; those with a hyphen, and `role`, are attributes.
 * @param {...(Node|string)} children - Strings become text nodes.
 */
export function make(name, properties = {}, ...children) {
  const el = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") el.setAttribute(key, value);
    else el[key] = value;
  }
  el.append(...children);
  return el;
}

/** Say something to those who use a screen reader. */
export function announce(message) {
  const live = $("live");
  // An unchanged text would not be said again.
  live.textContent = live.textContent === message ? `${message}\u00a0` : message;
}

/** Show what went wrong, or hide it with an empty message. */
export function showProblem(message) {
  $("problem").textContent = message;
  $("problem").hidden = !message;
}

/** Give the Tab key one stop in a group of controls: the arrows move within it. */
export function rove(group, controls) {
  group.addEventListener("keydown", (event) => {
    const all = controls().filter((el) => !el.disabled && el.offsetParent);
    const i = all.indexOf(event.target);
    if (i < 0 || event.target.tagName === "INPUT") return;
    const next = { ArrowRight: i + 1, ArrowDown: i + 1, ArrowLeft: i - 1, ArrowUp: i - 1, Home: 0, End: -1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    all.at(next % all.length).focus();
  });
  group.addEventListener("focusin", (event) => {
    const all = controls();
    if (all.includes(event.target)) for (const el of all) el.tabIndex = el === event.target ? 0 : -1;
  });
}
