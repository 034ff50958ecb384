// The verdict table of one subject: filters whose state is the address, rows in chunks, one axis per quantity.
const CHUNK = 100;
const FILTERS = {
  outcome: ['outcome', (row) => (row.status === 'not_run' ? 'not run' : row.attention ? 'unexpected' : row.expected ? 'as expected' : 'no expectation')],
  verdict: ['verdict', (row) => (['pass', 'fail', 'inconclusive'].includes(row.state) ? row.state : row.status.replace('_', ' '))],
  report: ['report', (row) => row.report],
  quantity: ['quantity', (row) => row.quantity],
  role: ['role', (row) => row.role],
  scope: ['about', (row) => (row.scope === 'method' ? 'the method' : 'this artifact')],
  rule: ['rule', (row) => row.rule],
  tier: ['tier', (row) => row.tier || 'none'],
};
let view = null;

function overviewPage(query) {
  const subject = query.get('subject') || DATA.subjects[0]?.name;
  if (!view || view.subject !== subject) view = overviewOf(subject);
  view.set(query);
  return view.node;
}

function overviewOf(subject) {
  const rows = DATA.rows.filter((row) => row.subject === subject);
  const words = new Map(rows.map((row) => [row, [row.label, row.statement, row.section, row.reason?.detail, ...caveats(row)].join(' ').toLowerCase()]));
  const search = el('input', { type: 'search', id: 'search', value: '', placeholder: 'claim, words' });
  const order = el('select', { id: 'order' }, el('option', { value: '' }, 'as registered'), el('option', { value: 'estimate' }, 'estimate'));
  const status = el('p', { role: 'status' });
  const table = el('table', { class: 'verdicts' }, el('caption', {}, `Verdicts on ${subject}`),
    el('thead', {}, el('tr', {}, ['verdict', 'claim', 'interval and bound', 'estimate [interval]', 'needs', 'units', 'expected', 'reported'].map((t) => el('th', { scope: 'col' }, t)))));
  const more = el('button', { type: 'button', hidden: true });
  const selects = Object.entries(FILTERS)
    .filter(([, [, of]]) => new Set(rows.map(of)).size > 1)
    .map(([key, [title, of]]) => ({ key, of, title, node: el('select', { id: `by-${key}` }) }));
  const facet = (id, title, node) => el('div', { class: 'facet' }, el('label', { for: id }, title), node);
  const head = DATA.subjects.find((s) => s.name === subject);
  const node = el('section', { 'aria-label': `Verdicts on ${subject}` },
    el('h2', {}, subject), head ? el('p', { class: 'headline' }, head.headline) : null,
    el('form', { class: 'filters', role: 'search' }, facet('search', 'search', search),
      el('details', { open: innerWidth > 1100 }, el('summary', {}, 'filters and order'), el('div', { class: 'facets' }, selects.map((s) => facet(`by-${s.key}`, s.title, s.node)), facet('order', 'order', order)))),
    status, table, more);
  let query = new URLSearchParams();
  let found = [];
  let drawn = 0;

  const passes = (row, except) => words.get(row).includes((query.get('q') || '').toLowerCase())
    && selects.every((s) => s.key === except || !query.get(s.key) || query.get(s.key) === s.of(row));

  function options(s) {
    const counts = new Map();
    for (const row of rows) if (passes(row, s.key)) counts.set(s.of(row), (counts.get(s.of(row)) || 0) + 1);
    const chosen = query.get(s.key) || '';
    if (chosen && !counts.has(chosen)) counts.set(chosen, 0);
    s.node.replaceChildren(el('option', { value: '' }, 'all'), ...[...counts].map(([value, n]) => el('option', { value, selected: value === chosen }, `${value} (${n})`)));
  }

  function draw() {
    table.querySelectorAll('tbody').forEach((body) => body.remove());
    found = rows.filter((row) => passes(row));
    const quantities = new Set(found.map((row) => row.axis));
    const sortable = quantities.size === 1;
    order.disabled = !sortable;
    order.title = sortable ? '' : 'Choose one quantity first: estimates of different quantities have no common order';
    if (sortable && query.get('order') === 'estimate') found.sort((a, b) => (b.estimate ?? -Infinity) - (a.estimate ?? -Infinity));
    else found = grouped(found);
    drawn = 0;
    status.textContent = found.length ? `${found.length} of ${plural(rows.length, 'row')}` : nothing();
    chunk(CHUNK);
  }

  function nothing() {
    const set = [query.get('q') ? 'search' : null, ...selects.filter((s) => query.get(s.key)).map((s) => s.title)].filter(Boolean);
    return `No row of ${rows.length}. Relax: ${set.join(', ')}.`;
  }

  function chunk(size) {
    let body = table.querySelector('tbody:last-of-type');
    for (const row of found.slice(drawn, drawn + size)) {
      const key = `${row.report} · ${row.axis}`;
      if (!body || body.dataset.key !== key) {
        body = el('tbody', { 'data-key': key }, groupHead(row));
        table.append(body);
      }
      body.append(tableRow(row));
    }
    drawn = Math.min(found.length, drawn + size);
    more.hidden = drawn >= found.length;
    more.textContent = `show more (${found.length - drawn} left)`;
  }

  const change = (key, value) => {
    const next = new URLSearchParams(query);
    if (value) next.set(key, value); else next.delete(key);
    next.set('subject', subject);
    history.replaceState(null, '', `#/?${next}`);
    set(next);
  };
  search.addEventListener('input', () => change('q', search.value));
  order.addEventListener('change', () => change('order', order.value));
  selects.forEach((s) => s.node.addEventListener('change', () => change(s.key, s.node.value)));
  more.addEventListener('click', () => {
    const before = table.querySelectorAll('tr.row').length;
    chunk(CHUNK);
    table.querySelectorAll('tr.row')[before]?.querySelector('a').focus();
  });
  window.addEventListener('beforeprint', () => { if (node.isConnected) chunk(Infinity); });
  node.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
  table.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const links = [...table.querySelectorAll('tr.row th > a')];
    const next = links[links.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (next && links.includes(document.activeElement)) { event.preventDefault(); next.focus(); }
  });

  function set(next) {
    if (drawn && next.toString() === query.toString()) return;
    query = next;
    if (search.value !== (query.get('q') || '')) search.value = query.get('q') || '';
    order.value = query.get('order') || '';
    selects.forEach(options);
    draw();
  }
  return { subject, node, set, reveal: (at) => { while (drawn < found.length && !node.querySelector(`[data-at="${at}"]`)) chunk(CHUNK); } };
}

// Rows of one report and axis together: first those that want attention, then as registered; what was not run is last.
function grouped(rows) {
  const groups = new Map();
  const waits = (row) => row.status === 'not_run';
  for (const row of [...rows.filter((r) => !waits(r)), ...rows.filter(waits)]) {
    const key = `${row.report} · ${row.axis}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(row);
  }
  return [...groups.values()].flat();
}

function groupHead(row) {
  const axis = axisOf(row);
  return el('tr', { class: 'group' }, el('th', { colspan: 2, scope: 'rowgroup' }, el('span', { class: 'report' }, row.report), ' ', row.quantity, el('small', {}, ` per ${row.unit}, ${row.design}`)),
    el('td', {}, axis ? scale(axis) : null), el('td', { colspan: 5 }));
}

const nameOf = (row) => `${encodeURIComponent(row.label)}/${encodeURIComponent(row.subject)}`;
const firstNamed = new Map(DATA.rows.toReversed().map((row) => [nameOf(row), row.at]));
const claimLink = (row) => `#/claim/${nameOf(row)}${firstNamed.get(nameOf(row)) === row.at ? '' : `?row=${row.at}`}`;

// What a reader must know beside the row. Where there is no interval, the plot has the reason, and here is what to do.
const caveats = (row) => [...(row.control_problems || []), typeof row.estimate !== 'number' && row.reason && row.reason.fix, ...(row.remarks || [])].filter(Boolean);

function tableRow(row) {
  const axis = axisOf(row);
  return el('tr', { class: `row${row.attention ? ' attention' : ''}${row.superseded_by ? ' superseded' : ''}`, 'data-at': row.at },
    el('td', {}, badge(row), row.badge === row.word ? null : [row.badge ? ' ' : null, verdictMark(row.state, row.word)]),
    el('th', { scope: 'row' }, el('a', { href: claimLink(row) }, row.label), el('p', {}, row.statement),
      row.superseded_by && el('p', {}, 'superseded by ', claimNamed(row.superseded_by, row.subject)), caveats(row).length > 0 && el('p', {}, el('small', {}, caveats(row).join('; ')))),
    el('td', { class: 'plot' }, typeof row.estimate === 'number' && axis ? forest(row, axis) : el('span', { class: 'reason' }, row.reason ? row.reason.detail : 'no interval')),
    el('td', { class: 'numbers', 'data-title': 'estimate' }, interval(row) ? interval(row).split(/ (?=\[|at )/).map((part) => [el('span', { class: 'whole' }, part), ' ']) : '–'),
    el('td', { class: 'numbers', 'data-title': 'needs' }, rule(row)),
    el('td', { class: 'numbers', 'data-title': 'units' }, (row.units_text || '–').replace('n=', '')),
    el('td', { 'data-title': 'expected' }, row.expected || ''),
    el('td', { 'data-title': 'reported' }, reported(row)));
}
