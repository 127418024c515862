/** The table of all entities: sorted by any column, and copied as CSV. */

import { goTo } from "./actions.js";
import { writeCsv } from "./csv.js";
import { $, announce, make } from "./dom.js";
import { paint } from "./hues.js";
import { language, sayScore, t } from "./language.js";
import { inOrder } from "./spans.js";
import { entitiesOf, on, state } from "./state.js";

const PER_PAGE = 200;

// What rows are sorted by. Entities of the user have no score, and come last.
const COLUMNS = {
  score: ({ entity }) => entity.score ?? 2,
  label: ({ entity }) => entity.label,
  entity: ({ part }) => part,
  text: ({ text }) => text.n,
};

const sort = { column: "score", sign: 1 };
const collator = new Intl.Collator(language, { numeric: true });
let rows = [];
let nShown = 0;
let isStale = true;

function makeRows() {
  const all = state.texts.flatMap((text) =>
    inOrder(entitiesOf(text)).map((entity) => ({ text, entity, part: text.text.slice(entity.start, entity.end) })),
  );
  const value = COLUMNS[sort.column];
  const compare = (a, b) => (typeof a === "number" ? a - b : collator.compare(a, b));
  return all.sort((a, b) => sort.sign * compare(value(a), value(b)));
}

function makeHead() {
  return Object.keys(COLUMNS).map((column) => {
    const th = make("th", { scope: "col" });
    const button = make("button", { type: "button", textContent: t(`column_${column}`) });
    button.onclick = () => {
      sort.sign = sort.column === column ? -sort.sign : 1;
      sort.column = column;
      draw();
    };
    th.dataset.column = column;
    th.append(button);
    return th;
  });
}

function makeRow({ text, entity, part }) {
  const label = make("span", { className: "label" }, make("bdi", { textContent: entity.label }));
  paint(label, entity.label);
  const button = make("button", { type: "button", className: "quiet", onclick: () => showEntity(text, entity) }, make("bdi", { textContent: part }));
  const score = make("td", { className: "number", textContent: sayScore(entity) });
  const number = make("td", { className: "number", textContent: text.n });
  return make("tr", {}, score, make("td", {}, label), make("td", { className: "part" }, button), number);
}

function showEntity(text, entity) {
  $("tab-texts").click();
  goTo(text, entity);
}

function showMore() {
  const next = rows.slice(nShown, nShown + PER_PAGE);
  $("table").querySelector("tbody").append(...next.map(makeRow));
  nShown += next.length;
  $("more-rows").hidden = nShown >= rows.length;
  $("more-rows").textContent = t("show_more", { n: Math.min(PER_PAGE, rows.length - nShown) });
}

function draw() {
  isStale = false;
  rows = makeRows();
  nShown = 0;
  const body = $("table").querySelector("tbody");
  body.replaceChildren();
  for (const th of $("table").querySelectorAll("th"))
    th.setAttribute("aria-sort", th.dataset.column !== sort.column ? "none" : sort.sign > 0 ? "ascending" : "descending");
  showMore();
  if (!rows.length) body.append(make("tr", {}, make("td", { colSpan: 4, className: "soft", textContent: t("no_rows") })));
}

async function copy() {
  const head = ["text", "entity", "label", "score", "start", "end"].map((name) => t(`column_${name}`));
  const cells = rows.map(({ text, entity, part }) => {
    // Offsets are characters as Python, and everything else that we write, counts them.
    const start = [...text.text.slice(0, entity.start)].length;
    const score = entity.score === null ? "" : Number(entity.score.toFixed(4));
    return [text.n, part, entity.label, score, start, start + [...part].length];
  });
  await writeClipboard(writeCsv([head, ...cells]));
  announce(t("copied"));
  $("copy").textContent = t("copied");
  setTimeout(() => ($("copy").textContent = t("copy_csv")), 2500);
}

async function writeClipboard(content) {
  // Without HTTPS, and not on this computer, there is no clipboard but the old way to it.
  if (navigator.clipboard) return navigator.clipboard.writeText(content);
  const field = make("textarea", { value: content, className: "unseen" });
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  $("copy").focus();
}

/** Draw the table if something has changed since. */
export const refreshTable = () => isStale && draw();

/** Listen to what changes the table. */
export function startTable() {
  $("table").querySelector("thead tr").append(...makeHead());
  $("more-rows").onclick = showMore;
  $("copy").onclick = () => (refreshTable(), copy());
  for (const name of ["texts", "text", "threshold"])
    on(name, () => {
      isStale = true;
      if (!$("table").hidden) draw();
    });
}
