// Two runs side by side: flips first, moved goalposts loudly, and nothing that is the same.
if (DATA.compare.length) PAGES.push(['#/compare/0', 'compare']);
route(/^\/compare\/(\d+)$/, ([k], query) => DATA.compare[k] && comparePage(DATA.compare[k], k, query));

const others = (k) => el('ul', {}, DATA.compare.map((c, i) => i !== k && el('li', {}, el('a', { href: `#/compare/${i}` }, `against ${c.with}`))));

const statesOf = (cell) => [cell.before ? cell.before.state : 'new', cell.after ? cell.after.state : 'gone'];
const withGlyph = (state) => `${GLYPHS[state] || ''} ${state}`.trim();
const differences = (title, found) => found && grid(title, ['', 'earlier', 'now'], found.map((d) => [d.key, d.before || '–', d.after || '–']));

function comparePage(c, k, query) {
  const head = el('h1', {}, `This run against ${c.with}`);
  if (c.same) return el('section', {}, head, el('p', {}, 'No differences.'));
  const chosen = query.get('from') && query.toString();
  const of = (cell) => new URLSearchParams(statesOf(cell).map((state, i) => [i ? 'to' : 'from', state])).toString();
  const left = new Set(c.cells.filter((cell) => !chosen || of(cell) === chosen));
  const sets = Object.fromEntries(['changed', 'moved_goalposts', 'appeared', 'resolved', 'shifted', 'new', 'gone'].map((name) => [name, new Set(c[name].map((i) => c.cells[i]))]));
  const { changed, moved_goalposts: moved } = sets;
  const both = c.transitions.counts.slice(0, -1).flatMap((row) => row.slice(0, -1)).reduce((a, b) => a + b, 0);
  const flipped = new Map();
  for (const cell of changed) flipped.set(statesOf(cell).join(' → '), (flipped.get(statesOf(cell).join(' → ')) || 0) + 1);
  const card = (cell) => changeCard(cell, [['moved_goalposts', 'goalposts moved'], ['appeared', 'drift appeared'], ['resolved', 'drift resolved']].filter(([name]) => sets[name].has(cell)));
  const line = (cell) => el('li', {}, cellName(cell), ' ', verdictMark((cell.after || cell.before).state, (cell.after || cell.before).word));
  const take = (title, belongs, draw = card) => {
    const mine = [...left].filter(belongs);
    mine.forEach((cell) => left.delete(cell));
    return mine.length > 0 && part(`${title} (${mine.length.toLocaleString('en')})`, pile(mine, draw));
  };
  return el('section', {}, head,
    el('p', { class: 'big' }, changed.size ? `${changed.size} of ${plural(both, 'row')} changed: ${[...flipped].sort((a, b) => b[1] - a[1]).map(([word, n]) => `${n} ${word}`).join(', ')}.` : `None of ${plural(both, 'row')} changed.`),
    moved.size > 0 && el('p', {}, loud(`goalposts moved in ${plural(moved.size, 'cell')}`)),
    el('p', {}, [[sets.appeared.size, 'drift appeared'], [sets.resolved.size, 'drift resolved'], [sets.new.size, 'new'], [sets.gone.size, 'gone'],
      ...Object.entries(c.small).map(([word, n]) => [n, `moved a little, ${word}`])].filter(([n]) => n).map(([n, word]) => `${n} ${word}`).join(' · ')),
    chosen ? el('p', {}, `Only ${query.get('from')} → ${query.get('to')}. `, el('a', { href: `#/compare/${k}` }, 'all differences')) : transitionTable(c.transitions, k),
    take('Verdict changed, measured again', (cell) => changed.has(cell) && cell.measured === 're-measured'),
    take('Verdict changed, the same scores judged again', (cell) => changed.has(cell) && cell.measured === 're-judged'),
    take('Verdict changed, no scores on one side', (cell) => changed.has(cell)),
    take('Goalposts moved, the verdict did not', (cell) => moved.has(cell)),
    take('The same verdict, moved by more than half an interval', (cell) => sets.shifted.has(cell)),
    take('New', (cell) => sets.new.has(cell), line),
    take('Gone', (cell) => sets.gone.has(cell), line),
    take('Other differences', () => true),
    !chosen && c.environment.length > 0 && part('Environment', differences('What differs between the records of the runs', c.environment)),
    !chosen && DATA.compare.length > 1 && part('Other comparisons', others(Number(k))));
}

// A hundred at a time: thousands would open slowly.
function pile(items, draw) {
  const rest = items.slice(100);
  const drawn = items.slice(0, 100).map(draw);
  return [drawn[0].tagName === 'LI' ? el('ul', {}, drawn) : drawn, rest.length > 0 && disclosure(`${rest.length.toLocaleString('en')} more`, () => el('div', {}, pile(rest, draw)))];
}

const transitionTable = ({ before, after, counts }, k) => el('div', { class: 'transitions' }, grid('Verdicts: earlier in the rows, now in the columns', ['', ...after.map(withGlyph)],
  counts.map((row, i) => [withGlyph(before[i]), ...row.map((n, j) => (!n ? '' : before[i] === after[j] ? n
    : el('a', { href: `#/compare/${k}?${new URLSearchParams({ from: before[i], to: after[j] })}`, 'aria-label': `${n} from ${before[i]} to ${after[j]}` }, n)))])));

function cellName(cell) {
  const row = cell.after && DATA.rows.find((r) => r.label === cell.label && r.subject === cell.subject);
  return [row ? el('a', { href: claimLink(row) }, cell.label) : cell.label, ' on ', cell.subject];
}

function changeCard(cell, alarms) {
  const sides = [['earlier', cell.before], ['now', cell.after]].filter(([, side]) => side);
  const measured = sides.map(([, side]) => side).filter((side) => typeof side.estimate === 'number');
  const axis = measured.length > 0 && axisFor(measured.flatMap((side) => [side.lo, side.hi, ...boundsOf(side)]), 900);
  const p = cell.paired;
  return el('article', { class: 'change' }, el('h3', {}, cellName(cell), alarms.map(([, word]) => [' ', loud(word)])),
    grid('Both on one axis', ['', 'verdict', 'interval and bound', 'estimate [interval]', 'needs', 'units'], [
      ...sides.map(([name, side]) => [name, verdictMark(side.state, side.word), typeof side.estimate === 'number' && forest({ ...cell, ...side }, axis), interval(side) || '–', rule(side), side.units_text]),
      ...(axis ? [['', '', scale(axis), '', '', '']] : [])]),
    p && el('p', {}, p.none ? `No paired difference (${p.none}).` : `Now minus earlier, unit by unit: ${interval(p)} n=${p.n} (${p.method}).`),
    differences('Moved goalposts', cell.goalposts), differences('Reworded', cell.wording), measured.length > 1 && differences('Measured otherwise', cell.parameters));
}
