/** Messages in the language of the browser, and numbers as that language writes them. */

const SUPPORTED = ["en", "zh"];

const wanted = [new URLSearchParams(location.search).get("lang"), ...navigator.languages].filter(Boolean);
const short = wanted.map((tag) => tag.toLowerCase().split("-")[0]).find((tag) => SUPPORTED.includes(tag)) ?? "en";
export const language = short === "zh" ? "zh-CN" : "en";

const messages = await (await fetch(`static/texts/${short}.json`)).json();
const plural = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(language);
const percents = new Intl.NumberFormat(language, { style: "percent" });

/** Return a message; numbers are written as the language does, and choose its plural. */
export function t(key, values = {}) {
  let message = messages[key];
  if (message === undefined) throw new Error(`No message is named ${key}.`);
  if (typeof message !== "string") message = message[plural.select(values.n)] ?? message.other;
  return message.replace(/\{(\w+)\}/g, (whole, name) =>
    name in values ? (typeof values[name] === "number" ? numbers.format(values[name]) : values[name]) : whole,
  );
}

/** Return a probability in percent. */
export const percent = (score) => percents.format(score);

/** Return what is said of an entity's score. */
export const sayScore = (entity) => (entity.score === null ? t("by_hand") : percent(entity.score));

/** Fill the elements of the page that name a message. */
export function fillPage() {
  document.documentElement.lang = language;
  for (const el of document.querySelectorAll("[data-t]")) el.textContent = t(el.dataset.t);
  for (const el of document.querySelectorAll("[data-t-label]")) {
    el.setAttribute("aria-label", t(el.dataset.tLabel));
    if (el.tagName === "BUTTON") el.title = t(el.dataset.tLabel);
  }
  for (const el of document.querySelectorAll("[data-t-placeholder]")) el.placeholder = t(el.dataset.tPlaceholder);
}
