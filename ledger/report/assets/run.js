// The run: who ran what, on which code and machine, what it took, what broke and what was left out.
PAGES.push(['#/run', 'run']);
route(/^\/run$/, runPage);

function runPage() {
  const { run, rows } = DATA;
  const [git, lock] = [run.git || {}, run.lock || {}];
  const [broken, waiting] = [['error', 'crashed', 'deviated'], ['not_run']].map((of) => rows.filter((row) => of.includes(row.status)));
  const pairs = (object) => Object.entries(object || {}).map((pair) => pair.join(' ')).join(', ');
  const why = (row) => (row.reason ? `${ended(row.reason.detail)} ${row.reason.fix}` : 'no reason is recorded');
  const named = (row) => [el('a', { href: claimLink(row) }, row.label), ` on ${row.subject}`];
  const reasons = new Map();
  for (const row of waiting) reasons.set(why(row), [...(reasons.get(why(row)) || []), row]);
  return el('section', {}, el('h1', {}, `Run ${run.id}`),
    facts([
      ['file', run.problems.length ? [loud('damaged'), ' ', run.problems.join('; ')] : run.sealed ? 'sealed' : [loud('not sealed'), ' the session did not end']],
      ['began', run.time], ['took', lasted(run.seconds)], ['exit status', run.exitstatus],
      ['commit', git.commit || 'none'], ['tree', git.dirty ? [loud('dirty'), ' this is not the code of the commit'] : 'clean'],
      ['command', el('code', {}, (run.command || []).join(' '))], ['machine', pairs(run.hardware)],
      ['versions', pairs(lock.versions)], ['lock', lock.sha256], ['mi-assay', run.mi_assay], ['paid builds', run.cost || 'none'],
    ]),
    part('Verdicts by subject', countsTable()),
    broken.length > 0 && part(`Broken or deviated (${broken.length})`, el('ul', {}, broken.map((row) => el('li', {}, loud(row.status), ' ', named(row), `: ${why(row)}`)))),
    waiting.length > 0 && part(`Not run (${waiting.length})`, [...reasons].map(([text, mine]) => disclosure(`${plural(mine.length, 'row')}: ${text}`, () => el('ul', {}, mine.map((row) => el('li', {}, named(row))))))),
    slowest('Slowest rows', rows.map((row) => [named(row), row.seconds])),
    slowest('Slowest builds behind the rows', ARTIFACTS.map((a) => [[a.label, el('small', {}, ` ${a.where}`)], a.seconds])),
    DATA.compare.length > 0 && part('Compare', others()));
}

const lasted = (s) => (typeof s !== 'number' ? null : s < 0.1 ? `${short(1000 * s, 2)} ms` : s < 120 ? `${short(s, 3)} s` : s < 7200 ? `${short(s / 60, 3)} min` : `${short(s / 3600, 3)} h`);

function countsTable() {
  const state = (row) => (row.state === 'broken' ? row.status.replace('_', ' ') : row.state);
  const states = [...new Set(['pass', 'fail', 'inconclusive', ...DATA.rows.map(state)])];
  return grid('A verdict on one subject says nothing about another, so nothing is added up', ['subject', ...states.map(withGlyph), 'unexpected'], DATA.subjects.map((s) => {
    const mine = DATA.rows.filter((row) => row.subject === s.name).map(state);
    return [el('a', { href: `#/?subject=${encodeURIComponent(s.name)}` }, s.name), ...states.map((word) => mine.filter((w) => w === word).length || ''), s.unexpected ? loud(s.unexpected) : ''];
  }));
}

// The ten that took longest, as bars from 0.
function slowest(title, found) {
  const items = found.filter(([, s]) => s > 0).sort((a, b) => b[1] - a[1]).slice(0, 10);
  return items.length > 0 && part(title, el('div', { class: 'bars' }, grid('Longest first, at most ten', ['what', 'time', ''], items.map(([name, s]) => {
    const bar = el('div', { class: 'bar' });
    bar.style.setProperty('width', `${(100 * s) / items[0][1]}%`);
    return [name, lasted(s), bar];
  }))));
}
