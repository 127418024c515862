// Parses slips with a package of npm: a text a line on standard input, a line of JSON for each.
//
// Usage: node parse.js PACKAGE, in a folder with the package: address-parse, zh-address-parse or address-smart-parse
const { createRequire } = require("module");
const { join } = require("path");
const load = createRequire(join(process.cwd(), "package.json"));
const name = process.argv[2];
const library = load(name).default || load(name);
const parse = {
  "address-parse": (text) => library.parse(text)[0],
  "zh-address-parse": (text) => library(text),
  "address-smart-parse": (text) => library(text),
}[name];
const lines = require("fs").readFileSync(0, "utf8").replace(/\n$/, "").split("\n");
for (const text of lines) {
  const found = parse(text);
  console.log(
    JSON.stringify({
      name: found.name || "",
      phone: found.mobile || found.phone || "",
      province: found.province || "",
      city: found.city || "",
      district: found.area || found.county || "",
      street: found.details || found.detail || found.address || "",
    }),
  );
}
