// A subset of GitHub Flavored Markdown, built as elements: paragraphs, headings, lists, tables, bold, italic, code, links
// and escapes. HTML in the text stays text, whoever wrote it; a link leads to http or https only.

import { element } from "./dom.js";

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&nbsp;": "\u00a0", "&#124;": "|" };
const LIST = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;
const DELIMITER = /^\s*\|?\s*:?-{1,}:?\s*(\|\s*:?-{1,}:?\s*)*\|?\s*$/;

/** The text as a fragment. */
export function markdown(text) {
  const fragment = document.createDocumentFragment();
  const lines = String(text).replaceAll("\r\n", "\n").split("\n");
  while (lines.length) fragment.append(...block(lines));
  return fragment;
}

function block(lines) {
  const line = lines.shift();
  if (!line.trim()) return [];
  const heading = /^(#{1,6})\s+(.*?)\s*#*$/.exec(line);
  if (heading) return [element(`h${Math.min(heading[1].length + 3, 6)}`, {}, ...inline(heading[2]))];
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return [element("hr")];
  if (line.includes("|") && lines.length && lines[0].includes("-") && DELIMITER.test(lines[0])) return [table(line, lines)];
  if (/^\s*>/.test(line)) return [quote(line, lines)];
  if (LIST.test(line)) return [list(line, lines)];
  return [paragraph(line, lines)];
}

function startsBlock(line) {
  return !line.trim() || /^#{1,6}\s/.test(line) || LIST.test(line) || /^\s*>/.test(line);
}

function paragraph(line, lines) {
  const children = [...inline(line)];
  let before = line;
  while (lines.length && !startsBlock(lines[0]) && !(lines[1] && lines[0].includes("|") && DELIMITER.test(lines[1]))) {
    children.push(/( {2,}|\\)$/.test(before) ? element("br") : " ");
    before = lines.shift();
    children.push(...inline(before));
  }
  return element("p", {}, children);
}

function quote(line, lines) {
  const inner = [line];
  while (lines.length && /^\s*>/.test(lines[0])) inner.push(lines.shift());
  return element("blockquote", {}, markdown(inner.map((one) => one.replace(/^\s*>\s?/, "")).join("\n")));
}

function list(line, lines) {
  const first = LIST.exec(line);
  const items = [element("li", {}, ...inline(first[2]))];
  while (lines.length && LIST.test(lines[0])) items.push(element("li", {}, ...inline(LIST.exec(lines.shift())[2])));
  return element(first[1] ? "ol" : "ul", {}, items);
}

function table(head, lines) {
  const sides = cells(lines.shift()).map((cell) => {
    if (/^:-+:$/.test(cell)) return "center";
    return /-:$/.test(cell) ? "right" : "";
  });
  const row = (line, tag) =>
    element(
      "tr",
      {},
      cells(line).slice(0, sides.length).map((cell, column) => {
        const name = tag === "td" && column === 0 ? "th" : tag;
        const scope = name === "th" ? (tag === "th" ? "col" : "row") : null;
        if (!cell && name === "th" && tag === "th") return element("td");
        return element(name, { scope, class: sides[column] || null }, ...inline(cell));
      }),
    );
  const body = [];
  while (lines.length && lines[0].includes("|")) body.push(row(lines.shift(), "td"));
  const made = element("table", {}, element("thead", {}, row(head, "th")), element("tbody", {}, body));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, made);
}

function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

const INLINE =
  /\\([!-/:-@[-`{-~])|(`+)(.+?)\2|\*\*(?=\S)(.+?[^\s\\])\*\*(?!\*)|(?<![\w\\])__(?=\S)(.+?[^\s\\])__(?!\w)|\*(?=[^\s*])(.*?[^\s\\*])\*(?!\*)|(?<![\w\\])_(?=[^\s_])(.*?[^\s\\_])_(?!\w)|\[((?:\\.|[^\]\\])*)\]\(<?([^\s()<>]+)>?(?:\s+"[^"]*")?\)|(&(?:amp|lt|gt|quot|nbsp|#39|#124);)/;

function inline(text) {
  const nodes = [];
  let rest = text.replace(/( {2,}|\\)$/, "");
  while (rest) {
    const found = INLINE.exec(rest);
    if (!found) break;
    if (found.index) nodes.push(rest.slice(0, found.index));
    nodes.push(made(found));
    rest = rest.slice(found.index + found[0].length);
  }
  return rest ? [...nodes, rest] : nodes;
}

function made([whole, escaped, , code, bold, bold2, italic, italic2, label, address, entity]) {
  if (escaped !== undefined) return escaped;
  if (entity !== undefined) return ENTITIES[entity];
  if (code !== undefined) return element("code", {}, code.trim());
  if (bold ?? bold2) return element("strong", {}, ...inline(bold ?? bold2));
  if (italic ?? italic2) return element("em", {}, ...inline(italic ?? italic2));
  if (!/^https?:\/\//i.test(address)) return whole;
  return element("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...inline(label));
}
