/** CSV that spreadsheets may open: no cell of it is taken for a formula. */

// Also the wide forms, which some spreadsheets read like the others.
const FORMULA = /^[\s\0]*[=+\-@＝＋－＠]|^[\t\r\n]/;

function writeCell(value) {
  let cell = String(value ?? "");
  // Numbers of ours, such as a score, are numbers.
  if (typeof value !== "number" && FORMULA.test(cell)) cell = `'${cell}`;
  return /[",\r\n]/.test(cell) || cell !== cell.trim() ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/**
 * Write rows of cells as CSV.
 *
 * Source: RFC 4180, and OWASP's "CSV injection".
 */
export const writeCsv = (rows) => rows.map((row) => `${row.map(writeCell).join(",")}\r\n`).join("");
