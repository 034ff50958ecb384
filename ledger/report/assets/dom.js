// Elements from plain data. Text goes in as text nodes only, so nothing that a model wrote can become markup.
const SVG = 'http://www.w3.org/2000/svg';
const ALLOWED = /^(id|class|for|type|value|name|title|role|scope|colspan|rowspan|tabindex|hidden|open|selected|checked|disabled|readonly|min|max|step|list|placeholder|datetime|lang|dir|rows|cols|width|height|viewBox|points|d|x|y|x1|y1|x2|y2|cx|cy|r|rx|dx|dy|transform|text-anchor|preserveAspectRatio|aria-[a-z]+|data-[a-z]+)$/;
// Control, bidirectional, zero-width and private-use characters, lone surrogates: what changes text without being seen.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb\ue000-\uf8ff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]|[\udb40][\udc00-\udfff]/g;
const GLYPH = { '\n': '⏎', '\t': '⇥', '\r': '␍', '\u200b': 'ZWSP' };

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'href') {
      if (/^(#|https:\/\/)/.test(value)) node.setAttribute('href', value);
      if (/^https:/.test(value)) node.setAttribute('rel', 'noreferrer noopener');
    } else if (ALLOWED.test(name)) node.setAttribute(name, value === true ? '' : String(value));
    else throw new Error(`attribute ${name}`);
  }
  add(node, children);
  return node;
}

function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof Node) node.append(child);
    else node.append(...shown(String(child)));
  }
}

const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => make(document.createElementNS(SVG, tag), attributes, children);

function shown(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(UNSEEN)) {
    parts.push(document.createTextNode(text.slice(from, found.index)));
    const chip = document.createElement('span');
    chip.className = 'unseen';
    const code = 'U+' + found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
    chip.textContent = GLYPH[found[0]] || code;
    chip.title = code;
    parts.push(chip);
    from = found.index + found[0].length;
  }
  parts.push(document.createTextNode(text.slice(from)));
  return parts;
}

const byId = (id) => document.getElementById(id);
const part = (title, ...children) => el('section', {}, el('h2', {}, title), children);
const facts = (pairs) => el('dl', {}, pairs.filter(([, value]) => value !== null && value !== undefined && value !== '')
  .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
// A table; the first cell of a row is its heading.
const grid = (caption, heads, rows) => el('table', {}, el('caption', {}, caption), el('thead', {}, el('tr', {}, heads.map((head) => el('th', { scope: 'col' }, head)))),
  el('tbody', {}, rows.map(([first, ...cells]) => el('tr', { class: 'row' }, el('th', { scope: 'row' }, first), cells.map((cell, i) => el('td', { 'data-title': heads[i + 1] }, cell))))));

function disclosure(title, build) {
  const node = el('details', {}, el('summary', {}, title));
  node.addEventListener('toggle', () => { if (node.open && node.children.length === 1) node.append(build()); });
  return node;
}

function copyButton(label, text) {
  const button = el('button', { type: 'button' }, label);
  button.addEventListener('click', () => {
    const box = el('textarea', { class: 'offscreen', 'aria-hidden': 'true' });
    box.value = text();
    document.body.append(box);
    box.select();
    const done = document.execCommand('copy');
    box.remove();
    button.focus();
    button.textContent = done ? 'copied' : 'select the text and copy it';
  });
  return button;
}
