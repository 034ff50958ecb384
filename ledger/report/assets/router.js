// Addresses: every view has one, and Back returns to the row that was left.
const ROUTES = [];
const route = (pattern, page) => ROUTES.push([pattern, page]);
let left = null;

function subjectTabs(current) {
  return el('nav', { class: 'subjects', 'aria-label': 'Subjects' }, el('ul', {}, DATA.subjects.map((s) => el('li', {},
    el('a', { href: `#/?subject=${encodeURIComponent(s.name)}`, 'aria-current': s.name === current ? 'page' : null }, s.name),
    el('small', {}, ` ${s.rows}`), s.unexpected ? [' ', el('span', { class: 'badge' }, `${s.unexpected} unexpected`)] : null))));
}

const routeOf = (path) => ROUTES.map(([pattern, build]) => [path.match(pattern), build]).find(([match]) => match);
const address = () => location.hash.replace(/^#/, '').split('?');

function show() {
  const [path, query] = address();
  const [overviewNode, page] = [byId('overview'), byId('page')];
  const at = routeOf(path);
  const parts = new URLSearchParams(query || '');
  if (at) {
    if (!overviewNode.hidden) left = { y: scrollY, row: document.activeElement?.closest?.('tr[data-at]')?.dataset.at };
    const node = at[1](at[0].slice(1).map(decoded), parts) || nowhere(path);
    page.replaceChildren(node);
    document.title = `${node.querySelector('h1, h2')?.textContent || 'mi-assay'} · ${DATA.run.id}`;
  } else {
    const built = overviewPage(parts);
    const tabs = subjectTabs(view ? view.subject : null);
    byId('rows').replaceChildren(tabs, built);
  }
  overviewNode.hidden = Boolean(at);
  page.hidden = !at;
  if (at) {
    scrollTo(0, 0);
    byId('main').focus({ preventScroll: true });
  } else if (left) {
    if (left.row) view.reveal(left.row);
    scrollTo(0, left.y);
    if (left.row) document.querySelector(`#rows tr[data-at="${left.row}"] a`)?.focus({ preventScroll: true });
    left = null;
  }
}

// The address is the truth: its event may be still to come, and then the page it names is not shown yet.
function back() {
  if (!routeOf(address()[0])) return;
  if (!byId('overview').hidden) show();
  if (history.length > 1 && left) history.back(); else location.hash = '#/';
}

function decoded(part) {
  try { return decodeURIComponent(part || ''); } catch { return part; }
}

function nowhere(path) {
  return el('section', {}, el('h2', {}, 'Nothing here'), el('p', {}, `This report has no page ${path}. `, el('a', { href: '#/' }, 'All verdicts')));
}

function themeButton() {
  const button = el('button', { type: 'button' });
  const choices = ['system', 'light', 'dark'];
  const apply = (choice) => {
    if (choice === 'system') delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = choice;
    button.textContent = `theme: ${choice}`;
    button.dataset.choice = choice;
  };
  button.addEventListener('click', () => apply(choices[(choices.indexOf(button.dataset.choice) + 1) % choices.length]));
  apply('system');
  return button;
}

function boot() {
  const rows = byId('static-rows');
  rows.id = 'rows';
  rows.replaceChildren();
  const pages = byId('pages');
  pages.append(el('a', { href: '#/' }, 'verdicts'), ...PAGES.map(([href, title]) => el('a', { href }, title)), themeButton());
  pages.hidden = false;
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') back(); });
  // Events come late: one whose address has been left again has a successor that is still to come.
  window.addEventListener('hashchange', ({ newURL }) => { if (newURL === location.href) show(); });
  show();
}

const PAGES = [];
