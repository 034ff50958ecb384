// What the verdict would be at another bound or level, from stored limits. The same in Python: tests/browser/what_if.py.
const storedAt = (row) => ({ ...row.limits, own: [row.lo, row.hi], ...(row.adjusted && { adjusted: [row.adjusted.lo, row.adjusted.hi] }) });
const levelAt = (row, level) => (level === 'own' ? row.level : level === 'adjusted' ? row.adjusted.level : level / 100);

function whatIf(row, bound, level) {
  const stored = storedAt(row);
  const found = row.verdict && Object.hasOwn(stored, level) ? decide(row.rule, bound, ...stored[level]) : null;
  return found && row.forced ? 'inconclusive' : found;
}

// Where the verdict flips: [verdict, from, to] over all bounds, or all margins.
function flips(row, level) {
  const [lo, hi] = storedAt(row)[level];
  const start = row.rule === 'within' ? 0 : -Infinity;
  if (row.forced) return [['inconclusive', start, Infinity]];
  const [from, to] = row.rule === 'within' ? [Math.max(lo, -hi, 0), Math.max(-lo, hi)] : [lo, hi];
  const [first, last] = row.rule === 'above' ? ['pass', 'fail'] : ['fail', 'pass'];
  return [[first, start, from], ['inconclusive', from, to], [last, to, Infinity]].filter(([, a, b]) => a < b);
}

function flipsInWords(row, level, word) {
  const every = (from, to) => (to < Infinity ? `for every ${word} below ${short(to)}` : from > 0 || row.rule !== 'within' ? `for every ${word} above ${short(from)}` : `for every ${word}`);
  const parts = row.forced ? [`is inconclusive for every ${word}: ${row.limited_by}`] : flips(row, level).map(([verdict, from, to]) => (
    verdict === 'inconclusive' ? `is inconclusive from ${short(from)} to ${short(to)}` : `${verdict === 'pass' ? 'passes' : 'fails'} ${every(from, to)}`));
  return `At ${percent(levelAt(row, level))} it ${parts.join(', ')}.`;
}

function playground(row) {
  if (!row.verdict || !(row.lo < row.hi)) return null;
  const node = disclosure(`Playground: what if the ${row.rule === 'within' ? 'margin' : 'bound'} or the level were another?`, () => explorer(row, Math.min(680, node.clientWidth - 36)));
  return node;
}

function explorer(row, width) {
  const within = row.rule === 'within';
  const word = within ? 'margin' : 'bound';
  const slider = el('input', { type: 'range', step: 'any', 'aria-label': `${word}, slider` });
  const typed = el('input', { type: 'number', step: 'any', id: 'explored-bound', value: row.bound });
  const levels = el('select', { id: 'explored-level' }, el('option', { value: 'own' }, `${percent(row.level)}, its own`),
    Object.keys(row.limits || {}).filter((l) => Math.abs(l / 100 - row.level) > 1e-9).map((l) => el('option', { value: l }, `${l} %`)),
    row.adjusted && el('option', { value: 'adjusted' }, `${percent(row.adjusted.level)}, adjusted for its family of ${row.adjusted.m}`));
  const [note, outcome, words, figure] = ['p', 'p', 'p', 'div'].map((tag) => el(tag, {}));
  const strip = el('div', { class: 'strip', 'aria-hidden': 'true' });
  const entry = el('pre', { tabindex: 0 });
  const reset = el('button', { type: 'button' }, 'back to the registration');
  const copy = copyButton('', () => newClaim(row, bound, levels.value));
  const shownEntry = el('details', {}, el('summary', {}, 'the entry'), entry);
  const tools = el('div', { class: 'tools' }, reset, ' ', copy, shownEntry);
  const facet = (title, node) => el('div', { class: 'facet' }, el('label', { for: node.id }, title), node);
  const frame = el('div', { class: 'playground', role: 'group', 'aria-label': 'Playground' }, note,
    el('div', { class: 'facets' }, facet(`${word}, rule: ${row.rule}`, typed), facet('level', levels)), slider, strip, words, outcome, figure, tools);
  outcome.role = 'status';
  const registered = `${rule(row)} at ${percent(row.level)}`;
  const inFamily = row.family_verdict && row.family_verdict !== row.verdict ? `; in its family it is ${row.family_verdict} (${row.family_method})` : '';
  let [bound, from, to] = [row.bound];

  function span() {
    const points = [...Object.values(storedAt(row)).flat(), row.bound, bound].map((x) => (within ? Math.abs(x) : x));
    const [lo, hi] = [Math.min(...points), Math.max(...points)];
    [from, to] = [within ? 0 : lo - (hi - lo) * 0.15, hi + (hi - lo) * 0.15];
    [slider.min, slider.max] = [from, to];
  }

  function draw() {
    const level = levels.value;
    const found = whatIf(row, bound, level);
    const moved = bound !== row.bound || level !== 'own';
    const would = !found ? 'no verdict' : !moved ? found : found === 'inconclusive' ? 'would be inconclusive' : `would ${found}`;
    frame.classList.toggle('exploratory', moved);
    note.replaceChildren();
    add(note, moved ? [loud('exploratory'), ` Not in the ledger: a different bound is a different claim, and nothing is recorded. Registered: ${registered}.`]
      : [`As registered, ${registered}: the recorded verdict on its own${inFamily}.`]);
    typed.setAttribute('aria-invalid', !found);
    const limits = storedAt(row)[level];
    outcome.replaceChildren();
    add(outcome, found ? [verdictMark(found, would), row.forced ? ` whatever the interval says: ${row.limited_by}.` : `: it ${because(row.rule, bound, ...limits, found)}.`]
      : [loud(would), ` Expected a ${word} that is a finite number${within ? ' above 0' : ''}.`]);
    words.replaceChildren(...shown(flipsInWords(row, level, word)));
    const share = (x) => Math.max(0, Math.min(1, (x - from) / (to - from)));
    strip.replaceChildren(...flips(row, level).map(([verdict, a, b]) => {
      const piece = verdictMark(verdict, verdict);
      piece.style.setProperty('width', `${100 * (share(b) - share(a))}%`);
      return piece;
    }));
    figure.replaceChildren();
    if (found) figure.append(exploredFigure(row, { bound, lo: limits[0], hi: limits[1], level: levelAt(row, level), verdict: found, state: found, word: moved ? `exploratory, ${would}` : found }, within ? -to : from, to, width, moved));
    tools.hidden = !moved;
    // At 80 % each side errs in 10 %; nobody can register more than 5 %.
    const able = found && level !== '80' && (bound !== row.bound || level > 80);
    copy.disabled = !able;
    copy.textContent = able ? 'copy as a new claim (YAML)' : level === '80' ? 'no claim can be registered at 80 %' : 'nothing new to register';
    shownEntry.hidden = !able;
    entry.textContent = able && shownEntry.open ? newClaim(row, bound, level) : '';
  }

  function set(value) {
    bound = value;
    if (bound < from || bound > to) span();
    if (Number.isFinite(bound)) slider.value = bound;
    draw();
  }
  slider.addEventListener('input', () => {
    const grain = 10 ** (Math.floor(Math.log10(to - from)) - 2);
    typed.value = Number((Math.round(slider.value / grain) * grain).toPrecision(12));
    set(Number(typed.value));
  });
  typed.addEventListener('input', () => set(typed.value === '' ? NaN : Number(typed.value)));
  levels.addEventListener('change', draw);
  shownEntry.addEventListener('toggle', draw);
  reset.addEventListener('click', () => {
    [levels.value, typed.value] = ['own', row.bound];
    set(row.bound);
    typed.focus();
  });
  span();
  set(bound);
  return frame;
}

function exploredFigure(row, explored, lo, hi, width, moved) {
  const axis = { lo, hi, ticks: roundTicks(lo, hi) };
  const drawn = forest({ ...row, ...explored, adjusted: null, attention: false }, axis, { width, height: 84, large: true });
  const label = (text, x, y, left) => svg('text', { class: 'label over', x, y, 'text-anchor': left ? 'start' : 'end' }, text);
  if (!moved) return drawn;
  const x = along(axis, width);
  boundsOf(row).forEach((bound) => drawn.append(svg('line', { class: 'registered', x1: x(bound), x2: x(bound), y1: 0, y2: 60 })));
  const [at, right] = [x(row.bound), x(explored.bound) < width / 2];
  drawn.append(label('registered', at + (at < width / 2 ? 4 : -4), 11, at < width / 2), label('exploratory, not in the ledger', right ? width - 4 : 4, 56, !right));
  return drawn;
}
