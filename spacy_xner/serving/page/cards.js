/** The list of texts: a card for each, with its entities, its labels and whether it is checked. */

import { $, make } from "./dom.js";
import { restore, setChecked, toggleCat } from "./edits.js";
import { percent, t } from "./language.js";
import { drawText } from "./marks.js";
import { catsOf, emit, entitiesOf, on, orderedTexts, state, sureness } from "./state.js";
import { clearTarget, elementOf, onTarget, register, replace, target } from "./target.js";

const PER_PAGE = 50;

const cards = new Map();
let order = [];
let nShown = 0;

function makeButton(name, onclick, properties = {}) {
  return make("button", { type: "button", className: "quiet", textContent: name, onclick, ...properties });
}

function makeTextElement(text) {
  return make("div", {
    className: "text",
    role: "textbox",
    contentEditable: "true",
    inputMode: "none",
    spellcheck: false,
    dir: "auto",
    tabIndex: -1,
    "aria-multiline": "true",
    "aria-readonly": "true",
    "aria-label": t("text_n", { n: text.n }),
    "aria-describedby": "target",
    autocapitalize: "off",
    "data-gramm": "false",
  });
}

function makeCats(text) {
  const names = Object.keys(text.cats);
  const group = make("div", { className: "cats", role: "group", "aria-label": t("text_labels", { n: text.n }) });
  for (const name of names) {
    const score = make("small", { textContent: percent(text.cats[name]) });
    const button = make("button", { type: "button", onclick: () => toggleCat(text, name) }, make("bdi", { textContent: name }), " ", score);
    button.dataset.cat = name;
    group.append(button);
  }
  group.hidden = !names.length;
  return group;
}

function makeCard(text) {
  const el = makeTextElement(text);
  const check = make("input", { type: "checkbox", onchange: () => setChecked(text, check.checked) });
  const back = makeButton(t("restore"), () => (restore(text), check.focus()));
  const sure = sureness(text);
  const facts = make("span", { textContent: `${text.n} · ${sure === null ? t("not_scored") : t("sure", { score: percent(sure) })}` });
  const footer = make("footer", {}, facts, make("label", {}, check, " ", t("checked")), back);
  const li = make("li", { className: "card" }, make("div", { className: "body" }, el), makeCats(text), footer);
  if (text.problem) footer.replaceChildren(make("span", { className: "bad", textContent: `${text.n} · ${text.problem}` }));
  register(el, text);
  cards.set(text, { li, check, back });
  drawCard(text);
  return li;
}

/** Draw what changes of a card; `entities` are shown instead of the text's own, as while a border is dragged. */
export function drawCard(text, entities = entitiesOf(text)) {
  const card = cards.get(text);
  if (!card) return;
  const activeId = text === target.text ? target.id : null;
  drawText(elementOf(text), text.text, entities, activeId);
  card.check.checked = text.isChecked;
  card.back.hidden = !text.edited;
  card.li.classList.toggle("is-checked", text.isChecked);
  const chosen = catsOf(text);
  for (const button of card.li.querySelectorAll("[data-cat]")) button.setAttribute("aria-pressed", Boolean(chosen[button.dataset.cat]));
}

function showMore() {
  const next = order.slice(nShown, nShown + PER_PAGE);
  $("cards").append(...next.map(makeCard));
  nShown += next.length;
  $("more").hidden = nShown >= order.length;
  $("more").textContent = t("show_more", { n: Math.min(PER_PAGE, order.length - nShown) });
}

function showAll() {
  order = orderedTexts();
  nShown = 0;
  cards.clear();
  clearTarget();
  $("cards").replaceChildren();
  showMore();
  setStops();
}

/** Return the card of a text, which is put on the page if it is not yet. */
export function reveal(text) {
  while (!cards.has(text) && nShown < order.length) showMore();
  return cards.get(text)?.li;
}

/** Return the text before or after another in the order of the page. */
export const neighbour = (text, steps) => order[order.indexOf(text) + steps] ?? null;

/** The Tab key stops at one text, and at the controls of its card. */
function setStops() {
  const current = cards.has(target.text) ? target.text : order[0];
  for (const [text, { li }] of cards) {
    const tabIndex = text === current ? 0 : -1;
    li.classList.toggle("current", text === target.text);
    for (const el of li.querySelectorAll(".text, button, input")) el.tabIndex = tabIndex;
  }
}

/** Listen to what changes the list. */
export function startCards() {
  $("more").onclick = () => {
    const first = order[nShown];
    showMore();
    elementOf(first).focus();
  };
  on("texts", showAll);
  on("threshold", () => {
    for (const text of cards.keys()) if (!text.edited) drawCard(text);
  });
  on("text", (text) => {
    reveal(text);
    drawCard(text);
    // Drawing has removed the caret.
    if (text === target.text && document.activeElement === elementOf(text)) replace();
  });
  let last = { text: null, id: null };
  onTarget(() => {
    if (last.text !== target.text) setStops();
    for (const mark of $("cards").querySelectorAll("mark")) mark.classList.toggle("active", mark.dataset.id === String(target.id));
    last = { ...target };
  });
  $("order").onchange = () => {
    state.order = $("order").value;
    emit("texts");
  };
}
