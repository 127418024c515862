/** Texts from the field and from files. */

import { t } from "./language.js";

/** Return the lines of a text, without blank ones. */
export const readLines = (content) => content.split(/\r\n|\r|\n/).filter((line) => line.trim());

/** Return the texts of JSON lines. */
export function readJsonLines(content, name) {
  const texts = [];
  content.split(/\r?\n/).forEach((line, i) => {
    if (!line.trim()) return;
    let row = null;
    try {
      row = JSON.parse(line);
    } catch {
      // The line is refused below.
    }
    const text = typeof row === "string" ? row : row?.text;
    if (typeof text !== "string") throw new Error(t("error_file_line", { name, n: i + 1 }));
    if (text.trim()) texts.push(text);
  });
  return texts;
}

/** Return the texts of a file in UTF-8. */
export async function readFile(file) {
  const ending = file.name.toLowerCase().split(".").pop();
  if (!["txt", "jsonl", "ndjson"].includes(ending)) throw new Error(t("error_file_type", { name: file.name }));
  let content;
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch (error) {
    throw new Error(t("error_file_type", { name: file.name }), { cause: error });
  }
  const texts = ending === "txt" ? readLines(content) : readJsonLines(content, file.name);
  if (!texts.length) throw new Error(t("error_file_empty", { name: file.name }));
  return texts;
}
