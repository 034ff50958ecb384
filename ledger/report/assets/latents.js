// Latent cards: what a latent fires on, what was said of it, and which claims rest on it.
const AROUND = 16;
const STEP = 256;
const shelfOf = (card) => DATA.latents.shelves[card.shelf];
const cardLink = (card) => `#/latent/${shelfOf(card).artifact.slice(0, 12)}/${card.latent}`;
const factsOf = (card, more) => facts([['chosen', card.chosen || el('span', { class: 'badge' }, 'not recorded')], ...card.facts, ...more, ['artifact', el('code', {}, shelfOf(card).artifact)]]);
let windows = null;

// The inverse of PackedWindows in packed_windows.py; done when the first card is opened.
function windowsOf({ vocabulary, bits, lengths, peaks, ids, levels }) {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const [tokens, shares] = [new (bits === 16 ? Uint16Array : Uint32Array)(bytes(ids).buffer), bytes(levels)];
  let next = 0;
  return lengths.map((length, i) => {
    const first = next;
    next += length;
    return { length, peak: peaks[i], best: Math.max(0, shares.subarray(first, next).indexOf(255)), token: (k) => vocabulary[tokens[first + k]], value: (k) => shares[first + k] / 255 * peaks[i] };
  });
}

function tokenNode(w, k, strongest) {
  const [[text, length], value] = [[w.token(k)].flat(), w.value(k)];
  const node = el('bdi', { class: value ? 'token fires' : 'token', 'data-k': k, tabindex: value ? -1 : null },
    text.split(/( )/).map((part) => (part === ' ' ? el('span', { class: 'space' }, part) : part)),
    length || !text ? el('span', { class: 'unseen' }, `… ${plural(length || 0, 'character')}`) : null);
  if (value) node.style.setProperty('--share', Math.min(1, value / strongest));
  return node;
}

function contextNode(w, strongest, name) {
  const from = Math.max(0, Math.min(w.best - AROUND / 2, w.length - AROUND));
  const line = el('p', { role: 'group', tabindex: -1, 'aria-label': `${name}: arrow keys go through the tokens on which it fires` });
  const value = el('output', { class: 'numbers' });
  const tell = (k) => { value.textContent = k ? `${short(w.value(Number(k)), 4)}, token ${Number(k) + 1} of ${w.length}` : `strongest ${short(w.peak, 4)}`; };
  // In steps, each a block of its own, so that thousands of tokens never hold the page up.
  function draw(at, end, dots) {
    const stop = Math.min(end, at + STEP);
    line.append(el('span', { class: dots ? null : 'step' }, dots && at ? '… ' : null, Array.from({ length: stop - at }, (_, i) => tokenNode(w, at + i, strongest)), dots && end < w.length ? ' …' : null));
    if (at <= w.best && w.best < stop) line.querySelector(`.fires[data-k="${w.best}"]`)?.setAttribute('tabindex', 0);
    if (stop < end) requestAnimationFrame(() => draw(stop, end));
  }
  line.addEventListener('keydown', (event) => {
    const firing = [...line.querySelectorAll('.fires')];
    const at = firing.indexOf(event.target.closest('.fires'));
    const next = firing[at + { ArrowRight: 1, ArrowLeft: -1 }[event.key]];
    if (at < 0 || !next) return;
    event.preventDefault();
    firing[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
  for (const kind of ['pointerover', 'focusin', 'pointerleave', 'focusout']) line.addEventListener(kind, (event) => tell(/er$|in$/.test(kind) && event.target.closest('.token')?.dataset.k));
  const more = el('button', { type: 'button' }, `all ${w.length} tokens`);
  more.addEventListener('click', () => {
    line.replaceChildren();
    draw(0, w.length);
    more.remove();
    line.focus();
  });
  tell();
  draw(from, Math.min(w.length, from + AROUND), true);
  return el('li', {}, value, line, w.length > AROUND ? more : null);
}

const peaksFigure = ({ histogram, label, top }) => svg('svg', { class: 'peaks', width: 260, height: 84, viewBox: '0 0 260 84', role: 'img', 'aria-label': label },
  histogram.map((n, i) => svg('rect', { x: 4 + 25 * i, y: 64 - 60 * n / Math.max(...histogram), width: 23, height: 60 * n / Math.max(...histogram) })),
  svg('text', { x: 4, y: 80 }, '0'), svg('text', { x: 254, y: 80, 'text-anchor': 'end' }, short(top, 4)));

const nearPart = ({ near, shelf }) => part('Nearest decoder directions', grid(near.told, ['latent', 'cosine', 'from 0 to 1'], near.of.map(([k, cosine, dead]) => {
  const other = DATA.latents.cards.find((c) => c.latent === k && c.shelf === shelf);
  return [[other ? el('a', { href: cardLink(other) }, `latent ${k}`) : `latent ${k}`, dead ? ', dead' : null], number(cosine),
    svg('svg', { class: 'peaks', width: 102, height: 12, 'aria-hidden': true }, svg('rect', { y: 4, width: 100 * Math.max(0, cosine), height: 4 }), svg('rect', { class: 'null', x: 100 * near.null, width: 2, height: 12 }))];
})));

function cardPage(card) {
  windows = windows || windowsOf(DATA.latents.windows);
  return el('article', { class: 'latent' }, el('h1', {}, `Latent ${card.latent} of ${card.coder} `, card.dead ? el('span', { class: 'badge' }, 'dead') : null),
    factsOf(card, [...card.own, ['explanation', card.said]]),
    part('Scores', grid('Balanced accuracy of the answers; chance is 0.5', ['asked', 'accuracy', '95 % interval', 'not read'], card.scores)),
    card.histogram ? part('Strongest activation in held-out windows in which it fires, as many of each decile', peaksFigure(card)) : null,
    card.near ? nearPart(card) : null,
    part('Contexts from the training texts', el('p', {}, `Shade and underline are linear in activation, the strongest here is ${short(card.strongest, 4)}. Values are kept to 1/255 of the strongest of their window.`),
      card.groups.map(([name, places, above]) => [el('h3', {}, name, el('small', {}, above)), el('ul', { class: 'contexts' }, places.map((place, i) => contextNode(windows[place], card.strongest, `${name}, ${i + 1}`)))])),
    part('Claims that name artifacts with this latent', el('ul', {}, (card.rows || shelfOf(card).rows).map((at) => DATA.rows[at]).map((row) => el('li', {}, verdictMark(row.state, row.word), ' ', el('a', { href: claimLink(row) }, `${row.label} on ${row.subject}`))))));
}

function shelfSection(shelf, cards) {
  const told = (card, name) => card.scores.find(([asked]) => asked === name)?.[1];
  return part(shelf.label, cards[0] ? factsOf(cards[0], [['the others', shelf.more ? el('code', {}, shelf.more) : null]]) : null,
    grid(`${cards.length} of ${plural(shelf.cards, 'card')}`, ['latent', 'explanation', 'detection', 'fuzzing'], cards.map((card) => [el('a', { href: cardLink(card) }, `latent ${card.latent}`), card.said, told(card, 'detection'), told(card, 'fuzzing')])));
}

// Of the claim page: the cards in its artifacts.
function cardLinks(row) {
  const mine = (DATA.latents?.shelves || []).filter((shelf) => shelf.rows.includes(row.at));
  return mine.length ? part('Latent cards', el('ul', {}, mine.map((shelf) => el('li', {}, el('a', { href: `#/latents?artifact=${shelf.artifact.slice(0, 12)}` }, `${plural(shelf.cards, 'latent card')}: ${shelf.label}`))))) : null;
}

if (DATA.latents) PAGES.push(['#/latents', 'latents']);
route(/^\/latents$/, (_, query) => {
  const { cards, shelves, notes, damaged } = DATA.latents || { shelves: [] };
  const wanted = shelves.filter((shelf) => shelf.artifact.startsWith(query.get('artifact') || ''));
  return DATA.latents ? el('section', { class: 'latents' }, el('h1', {}, 'Latent cards'), notes.map((text) => el('p', {}, text)),
    damaged.map((text) => el('p', {}, el('span', { class: 'badge' }, 'damaged'), ' ', text)),
    wanted.length < shelves.length ? el('p', {}, el('a', { href: '#/latents' }, 'all artifacts with cards')) : null,
    wanted.map((shelf) => shelfSection(shelf, cards.filter((card) => shelfOf(card) === shelf)))) : null;
});
route(/^\/latent\/([0-9a-f]{12})\/(\d+)$/, ([artifact, latent]) => {
  const card = DATA.latents?.cards.find((c) => c.latent === Number(latent) && shelfOf(c).artifact.startsWith(artifact));
  return card ? cardPage(card) : null;
});
