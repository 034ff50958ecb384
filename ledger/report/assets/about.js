// How to read a verdict (in the page without scripts too), and the rows to take away.
const ABOUT = byId('about');
ABOUT.remove();
PAGES.push(['#/about', 'about']);
route(/^\/about$/, () => ABOUT);
ABOUT.append(part('The rows of this page', el('p', {}, saveButton('rows.csv', 'text/csv', rowsCsv), ' ', saveButton('rows.json', 'application/json', () => JSON.stringify(DATA.rows, null, 1)))));

function saveButton(name, type, build) {
  const button = el('button', { type: 'button' }, `save ${name}`);
  button.addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([build()], { type: `${type};charset=utf-8` }));
    link.download = `${DATA.run.id}.${name}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  });
  return button;
}

function rowsCsv() {
  const keys = [...new Set(DATA.rows.flatMap((row) => Object.keys(row)))];
  return csvOf([keys, ...DATA.rows.map((row) => keys.map((key) => row[key]))]);
}

// As ledger/csvfile.py: a spreadsheet shows it and does not run it.
function csvOf(lines) {
  const cell = (value) => {
    if (value === null || value === undefined) return '';
    if (typeof value === 'number') return String(value);
    const raw = typeof value === 'string' ? value : JSON.stringify(value);
    const text = clean(raw);
    const formula = (/^\s*[=+\-@\t\r]/.test(text) || /^\s*[=+\-@\t\r]/.test(raw)) && !/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
    return /[",]/.test(text) ? `"${formula ? "'" : ''}${text.replaceAll('"', '""')}"` : `${formula ? "'" : ''}${text}`;
  };
  return lines.map((line) => `${line.map(cell).join(',')}\n`).join('');
}
