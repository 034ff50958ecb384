// Figures are drawn by Python and stand in the page; here they only get an address.
const FIGURES = byId('figures');
if (FIGURES) {
  FIGURES.remove();
  PAGES.push(['#/figures', 'figures']);
  route(/^\/figures(?:\/([\w-]+))?$/, ([id]) => {
    if (id) requestAnimationFrame(() => byId(id)?.scrollIntoView());
    return FIGURES;
  });
}

function figureLinks(row) {
  const mine = DATA.figures.filter((f) => f.subject === row.subject && f.claims.includes(row.label));
  return mine.length ? part('Figures', el('ul', {}, mine.map((f) => el('li', {}, el('a', { href: `#/figures/${f.id}` }, f.title))))) : null;
}
