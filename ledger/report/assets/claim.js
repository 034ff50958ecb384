// The claim page: what a sceptic asks, in that order.
const BLOCKS = [claimHead, rulingBlock, figureBlock, decidingBlock, controlsBlock, registeredBlock, unitsBlock, historyBlock,
  figureLinks, cardLinks, provenanceBlock, subjectsBlock, reproduceBlock, playBlock];
const loud = (word) => el('span', { class: 'badge' }, word);
const known = (pairs) => facts(pairs.filter(([, value]) => value));
const ended = (text) => `${text}`.replace(/\.?\s*$/, '.');
const figureWidth = () => Math.min(680, document.documentElement.clientWidth - 34);

route(/^\/claim\/([^/]+)\/([^/]+)$/, ([label, subject], query) => {
  const rows = DATA.rows.filter((row) => row.label === label && row.subject === subject);
  const row = rows.find((r) => String(r.at) === query.get('row')) || rows[0];
  return row && el('article', { class: 'claim' }, rows.length > 1 && el('p', {}, loud(`${rows.length} rows`), ' of this name: ',
    rows.map((r, i) => [el('a', { href: claimLink(r) }, `row ${i + 1}`), ' '])), BLOCKS.map((block) => block(row)));
});

// Linked on the same subject, else where the page has it.
function claimNamed(id, subject) {
  const rows = DATA.rows.filter((r) => r.claim === id);
  const row = rows.find((r) => r.subject === subject) || rows[0];
  return row ? [el('a', { href: claimLink(row) }, id), row.subject !== subject && ` on ${row.subject}`] : id;
}

function claimHead(row) {
  const { title, url, ...rest } = row.source || {};
  const linked = /^https:\/\//.test(url || '');
  const family = { headline: `headline claims of ${row.family}`, claim: `all claims of ${row.report}`, conjunction: `${plural(row.family_size, 'cell')} that must all hold` }[row.role];
  return el('div', {},
    el('h1', {}, row.label, el('small', {}, ' on ', el('a', { href: `#/?subject=${encodeURIComponent(row.subject)}` }, row.subject))),
    el('p', { class: 'statement' }, row.statement),
    known([
      ['source', row.source && [linked ? el('a', { href: url }, title || url) : [title, url && ` (${url})`], Object.entries(rest).map(([k, v]) => `, ${k} ${v}`)]],
      ['report', [row.report, row.section && `, ${row.section}`]],
      ['scope', row.scope === 'method' ? 'About the method: its units are training runs.' : 'About this artifact: it says nothing about another training run.'],
      ['family', [family, row.family_method && `, judged together (${row.family_method})`]],
    ]));
}

const STATUS = { refused: 'The court refused to judge this', error: 'The test broke', crashed: 'The test died', not_run: 'It was not run' };

// Why the row has the verdict that it has, one paragraph each.
function told(row) {
  const says = (limits, verdict) => because(row.rule, row.bound, ...limits, verdict);
  if (row.status === 'deviated') return [`There is no verdict: what was executed is not what was registered${registeredRule(row) ? ` (${needs(row)})` : ''}. ${row.reason ? row.reason.fix : ''}`];
  if (typeof row.estimate !== 'number') {
    const why = row.reason ? `${ended(row.reason.detail)} ${ended(row.reason.fix)}` : 'no reason is recorded.';
    return [`${STATUS[row.status] || row.status}${row.status === row.expected ? ', as expected' : ''}: ${why}`];
  }
  const own = [row.lo, row.hi];
  const alone = decide(row.rule, row.bound, ...own);
  if (row.forced) return [`It is inconclusive whatever the interval says (${row.limited_by}): ${ended(row.reason ? row.reason.detail : 'no reason is recorded')}`, `From the interval alone one would say that it ${says(own, alone)}.`];
  const wide = row.adjusted && [row.adjusted.lo, row.adjusted.hi];
  const widely = wide && decide(row.rule, row.bound, ...wide);
  const lines = [];
  if (row.family_verdict && row.family_verdict !== row.verdict) {
    lines.push(`On its own the claim ${says(own, row.verdict)}.`, widely === 'inconclusive' ? `Adjusted for its family (${row.family_method}) it ${says(wide, widely)}.`
      : `Judged with its family (${row.family_method}) it is inconclusive: among so many claims a one-sided p of ${short(row.verdict === 'pass' ? row.p_pass : row.p_fail, 2)} is not enough.`);
    if (row.status === 'drift') lines.push('The mark above is its own verdict, since that is held against the expectation. Both are true: it is not as expected, and with its family it is inconclusive.');
    if (row.family_missing) lines.push(`${plural(row.family_missing, 'member')} did not run and count as if nothing had been found.`);
  } else {
    lines.push(`The claim ${says(own, row.verdict)}.`);
    if (wide && widely !== row.verdict) lines.push(`The wider interval (${row.adjusted.method}) ${says(wide, widely).slice(3)}; ${row.family_method} is less strict, and it stands.`);
  }
  if (row.control_problems) lines.push(`But it is unsupported: ${row.control_problems.join('; ')}.`);
  return lines;
}

function inFull(said) {
  const value = typeof said.value === 'number' ? short(said.value) + (typeof said.lo === 'number' ? ` [${short(said.lo)}, ${short(said.hi)}]` : '') : null;
  return [said.verdict, value, said.words].filter(Boolean).join(', ');
}

function rulingBlock(row) {
  const plain = row.badge === row.word;
  return part('Verdict',
    el('p', { class: row.superseded_by ? 'big superseded' : 'big' }, plain ? loud(`${GLYPHS[row.state] || '!'} ${row.word}`) : [badge(row), ' ', verdictMark(row.state, row.word)],
      row.promise_changed && [' ', loud('promise changed')], row.seen_before && [' ', loud('data seen before')]),
    row.superseded_by && el('p', {}, loud('superseded'), ' by ', claimNamed(row.superseded_by, row.subject), ': read that one.'),
    told(row).map((line) => el('p', {}, line)), differing(row),
    known([
      ['expected', row.expected && `${row.expected}${row.expected_why ? `: ${row.expected_why}` : ''}`],
      ['reported', row.reported && inFull(row.reported)],
      ['note', row.remarks && row.remarks.join('; ')],
    ]));
}

const inJson = (value) => (typeof value === 'string' ? value : JSON.stringify(value) ?? 'nothing');

function differing(row) {
  return row.deviations && grid('What differs', ['parameter', 'registered', 'executed'], row.deviations.map((d) => [d.key, inJson(d.registered), inJson(d.executed)]));
}

// An axis of its own, with room for words at both ends.
function axisFor(values, width) {
  let [lo, hi] = [Math.min(...values), Math.max(...values)];
  if (!(hi > lo)) [lo, hi] = [lo - (Math.abs(lo) || 1) / 2, hi + (Math.abs(hi) || 1) / 2];
  const room = ((hi - lo) * 60) / Math.max(60, width - 136);
  [lo, hi] = [lo - room, hi + room];
  const x = along({ lo, hi }, width);
  const edge = (tick) => Math.min(x(tick), width - x(tick));
  return { lo, hi, ticks: roundTicks(lo, hi).filter((tick) => edge(tick) > 4 * short(tick).length) };
}

const boundsOf = (row) => (row.rule === 'within' ? [-row.bound, row.bound] : [row.bound]);
const allBounds = (row) => [row, registeredRule(row)].filter(Boolean).flatMap(boundsOf);

function figureBlock(row) {
  if (typeof row.estimate !== 'number') return null;
  const [width, said, wide] = [figureWidth(), row.reported || {}, row.adjusted];
  const axis = axisFor([row.lo, row.hi, ...allBounds(row), ...(wide ? [wide.lo, wide.hi] : []), ...(typeof said.value === 'number' ? [said.value] : [])], width);
  const figure = forest(row, axis, { width, height: 100, large: true });
  const at = along(axis, width);
  const word = (text, x, anchor, y = 12) => figure.append(svg('text', { class: 'label', x, y, 'text-anchor': anchor }, text));
  const other = registeredRule(row);
  if (other) {
    for (const [text, bounds, y] of [['executed', boundsOf(row), 12], ['registered', boundsOf(other), 72]]) {
      const x = at(bounds.at(-1));
      word(text, x + (x < width / 2 ? 5 : -5), x < width / 2 ? 'start' : 'end', y);
    }
  } else if (row.rule === 'within') {
    word('← fails', at(-row.bound) - 5, 'end');
    word('fails →', at(row.bound) + 5, 'start');
  } else {
    word(row.rule === 'above' ? '← fails' : '← passes', at(row.bound) - 5, 'end');
    word(row.rule === 'above' ? 'passes →' : 'fails →', at(row.bound) + 5, 'start');
  }
  const span = (lo, hi) => [number(lo, spreadOf(row)), number(hi, spreadOf(row))];
  return part('Interval', el('figure', {}, figure, el('figcaption', {}, `${row.quantity} per ${row.unit}. Thick: its own interval.`, wide && ' Thin: adjusted for its family.',
    other ? ' Dashed: the executed bound. Solid: the registered bound; tinted: where that one would pass.' : ` Dashed: the ${row.rule === 'within' ? 'margin' : 'bound'}; tinted: where it passes.`, typeof said.value === 'number' && ' Open triangle: reported by the source.')),
  grid(`Numbers of the figure; ${needs(row)}`, ['', 'estimate', 'lower', 'upper'], [
    [`own interval, ${percent(row.level)}`, number(row.estimate, spreadOf(row)), ...span(row.lo, row.hi)],
    wide && [`adjusted for ${plural(wide.m, 'claim')} (${wide.method}), ${percent(wide.level)}`, '', ...span(wide.lo, wide.hi)],
    typeof said.value === 'number' && ['reported by the source', number(said.value, spreadOf(row)), ...(typeof said.lo === 'number' ? span(said.lo, said.hi) : ['', ''])],
    ...Object.entries(row.limits || {}).filter(([level]) => Math.abs(level / 100 - row.level) > 1e-9).map(([level, pair]) => [`at ${level} %`, '', ...span(...pair)]),
  ].filter(Boolean)),
  known([['units', row.units_text], ['method', [row.method, row.calibration && `, ${row.calibration}`]],
    ['p, one-sided', typeof row.p_pass === 'number' && `${short(row.p_pass, 3)} against "it fails", ${short(row.p_fail, 3)} against "it passes": how often data at least this far out would come if the truth lay on the bound`],
    ['also', row.extra && Object.entries(row.extra).map(([k, v]) => `${k} ${short(v, 4)}`).join(', ')]]));
}

function decidingBlock(row) {
  if (row.verdict !== 'inconclusive') return null;
  return part('What would decide it',
    el('p', {}, row.forced ? (row.reason ? ended(row.reason.fix) : 'No reason is recorded.') : ended(row.decide[0].toUpperCase() + row.decide.slice(1))),
    !row.forced && known([['limited by', row.limited_by], ['cost so far', row.cost && row.cost.spent_usd > 0 && `$${row.cost.spent_usd.toFixed(2)} for the builds behind this row`]]));
}

function controlsBlock(row) {
  if (!row.controls) return part('Controls', el('p', {}, 'None is registered.'));
  return part('Controls', grid('What must hold for a pass to count', ['control', 'verdict', 'estimate [interval]', 'needs'], row.controls.map((control) => {
    const cells = DATA.rows.filter((r) => r.claim === control.id && r.subject === row.subject);
    const known = ['pass', 'fail', 'inconclusive'].includes(control.verdict);
    return [claimNamed(control.id, row.subject), known ? verdictMark(control.verdict, control.verdict) : loud(control.verdict.replace('_', ' ')),
      cells.length === 1 ? interval(cells[0]) : cells.length ? `${cells.filter((c) => c.verdict === 'pass').length} of ${cells.length} cells pass` : 'no row in this run', cells.length ? rule(cells[0]) : ''];
  })));
}

const PROMISED = 'statement quantity unit design rule bound rope scope alpha looks n family role controls supersedes subject params measured'.split(' ');

function registeredBlock(row) {
  const code = (text) => el('code', {}, text);
  const promise = row.promise || {};
  const registered = (key) => (key in promise ? promise[key] : ['n', 'measured'].includes(key) ? null : key === 'controls' ? row.controls?.map((c) => c.id) : row[key]);
  const [changed, seen] = [row.promise_changed, row.seen_before];
  return part('Registered against executed',
    changed && [el('p', {}, loud('promise changed'), ` since run ${changed.run}: a look was taken under another promise.`),
      grid('What was moved', ['field', 'then', 'now'], Object.entries(changed.keys).map(([key, [then, now]]) => [key, inJson(then), inJson(now)]))],
    seen && el('p', {}, loud('data seen before'), ' Registered after ', claimNamed(seen.claim, row.subject), ` was judged on these data, in run ${seen.run}.`),
    row.deviations ? [differing(row), el('p', {}, 'Registered ', code(row.registered_hash), ', executed ', code(row.executed_hash || 'nothing'), '.')]
      : el('p', {}, row.executed_hash ? ['Identical: ', code(row.executed_hash), '.'] : ['Nothing was executed. Registered ', code(row.registered_hash), '.']),
    row.unconfirmed && el('p', {}, `Taken on trust, since the measurement does not say: ${row.unconfirmed.join(', ')}.`),
    row.supersedes && el('p', {}, 'Supersedes ', claimNamed(row.supersedes, row.subject), '.'),
    disclosure('all that was registered', () => facts([...new Set([...PROMISED, ...Object.keys(promise)])].map((key) => [key, registered(key)])
      .filter(([, value]) => value !== null && value !== undefined).map(([key, value]) => [key, inJson(value)]))));
}

function subjectsBlock(row) {
  const others = DATA.rows.filter((r) => r.label === row.label && r.subject !== row.subject);
  return part('Other subjects', el('p', {}, others.length ? 'A verdict on one subject says nothing about another.' : 'In this run the claim is registered on no other subject.'),
    el('ul', {}, others.map((r) => el('li', {}, el('a', { href: claimLink(r) }, r.subject), ' ', verdictMark(r.state, r.word), ` ${interval(r)}`))));
}

function reproduceBlock(row) {
  return part('Reproduce', el('pre', {}, el('code', {}, row.command)), copyButton('copy the command', () => row.command),
    el('p', {}, 'Registered in ', el('code', {}, row.where), row.tier && `, tier ${row.tier}`, '.'));
}

function playBlock(row) {
  const node = playground(row);
  return node && part('Another bound', node);
}
