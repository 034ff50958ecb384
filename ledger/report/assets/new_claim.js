// The explored bound and level as a registration: YAML whose strings are quoted, so that no text can become a key.
function newClaim(row, bound, level) {
  const [report, old] = [row.report, row.claim.slice(row.report.length + 1, row.report.length + 77)];
  let k = 2;
  while (DATA.rows.some((other) => other.claim === `${report}.${old}-${k}`)) k++;
  const subjects = Object.create(null);
  const cells = new Map(DATA.rows.filter((r) => r.claim === row.claim).map((r) => [`${r.label} on ${r.subject}`, r]));
  for (const other of cells.values()) {
    subjects[other.subject] ??= given({ tier: other.tier, n: other.promise?.n, cells: [] });
    subjects[other.subject].cells.push({ params: asWritten(other) });
  }
  const entry = given({
    ...Object.fromEntries(['statement', 'quantity', 'unit', 'design', 'scope', 'family', 'role', 'looks', 'rope', 'section', 'source'].map((key) => [key, row[key]])),
    [row.rule]: bound,
    alpha: level === 'own' || level === 'adjusted' ? row.alpha : Number(((1 - level / 100) / 2).toPrecision(6)),
    coverage_gap: row.promise?.coverage_gap, measured: row.promise?.measured,
    controls: row.controls && row.controls.map((c) => c.id), supersedes: row.claim, subjects,
  });
  return `  # A new claim, for every cell of this run. Its statement must say what it promises now.\n`
    + `  # The looks of the claim that it supersedes count on. Expect nothing that was seen already.\n`
    + `  ${yaml(`${old}-${k}`)}:\n${Object.entries(entry).map(([key, value]) => `    ${key}: ${yaml(value)}\n`).join('')}`;
}

const given = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null && value !== undefined));

// In a cell, 1.0 and 1 are two parameters, and to a script they are one number: its text stands in the label.
class Written { constructor(text) { this.text = text; } }
function asWritten(row) {
  const parts = row.label.slice(row.claim.length + 1, -1).split(', ');
  return Object.fromEntries(Object.entries(row.params || {}).map(([name, value]) => {
    const text = parts.map((part) => part.slice(name.length + 1)).find((t, i) => parts[i].startsWith(`${name}=`) && t && Number(t) === value);
    return [name, text && typeof value === 'number' ? new Written(text) : value];
  }));
}

function yaml(value) {
  // YAML 1.1 reads 1e-7 as text.
  if (value instanceof Written) return value.text.replace(/^(-?\d+)e/, '$1.0e');
  if (Array.isArray(value)) return `[${value.map(yaml).join(', ')}]`;
  if (value && typeof value === 'object') return `{${Object.entries(value).map(([key, x]) => `${yaml(key)}: ${yaml(x)}`).join(', ')}}`;
  if (typeof value === 'number') return yaml(new Written(String(value)));
  if (typeof value !== 'string') return String(value);
  // Line ends, controls and what is not seen are escaped: YAML would break the string there, or refuse it.
  return JSON.stringify(value.toWellFormed()).replace(/[^\x20-\x7e\p{L}\p{N}\p{P}\p{S}]/gu, (c) => `\\U${c.codePointAt(0).toString(16).padStart(8, '0')}`);
}
