// Numbers and rules as ledger/text.py writes them: one format for everything. Checked against Python on random numbers.
// Of two decimal texts that are equally near, Python takes the one with the even digit, toFixed and toExponential the
// larger: so where exactly a 5 and nothing else is cut off an even digit, the digits are cut.
const cut = (exact, places, rounded) => {
  const kept = exact.slice(0, exact.length - 100 + places);
  return /[02468]$/.test(kept) && /^50*$/.test(exact.slice(kept.length)) ? kept : rounded;
};
const fixed = (value, decimals) => (value < 1e21 ? cut(value.toFixed(100), decimals, value.toFixed(decimals)) : `${BigInt(value)}.${'0'.repeat(decimals)}`);
const negative = (value) => value < 0 || Object.is(value, -0);

function number(value, spread) {
  if (value === null || value === undefined) return '-';
  let decimals = 3;
  if (spread > 0 && spread < 0.02) decimals = Math.min(8, 2 - Math.floor(Math.log10(spread)));
  else if (spread > 50) decimals = 1;
  return (negative(value) ? '-' : '+') + fixed(Math.abs(value), decimals);
}

// Python's "%g": six significant digits, no trailing zeros.
function short(value, digits = 6) {
  const size = Math.abs(value);
  const [exact, at] = size.toExponential(100).split('e');
  const tied = cut(exact, digits - 1, null);
  const [mantissa, power] = tied === null ? size.toExponential(digits - 1).split('e') : [tied, at];
  const text = power < -4 || power >= digits
    ? `${Number(mantissa)}e${power[0]}${power.slice(1).padStart(2, '0')}` : String(Number(`${mantissa}e${power}`));
  return (negative(value) ? '-' : '') + text;
}

const percent = (level) => `${short(100 * level, 4)} %`;
const spreadOf = (row) => row.hi - row.lo;

function limitsText(lo, hi) {
  return `[${number(lo, hi - lo)}, ${number(hi, hi - lo)}]`;
}

function interval(row) {
  if (typeof row.estimate !== 'number') return '';
  const level = row.level || 0.95;
  const at = Math.abs(level - 0.95) < 1e-9 ? '' : ` at ${percent(level)}`;
  return `${number(row.estimate, spreadOf(row))} ${limitsText(row.lo, row.hi)}${at}`;
}

const SIGN = { above: '> ', below: '< ', within: 'within ±' };
const ruleText = (rule, bound) => SIGN[rule] + short(bound);
const rule = (row) => ruleText(row.rule, row.bound);

// Rule and bound as registered, where others were executed; else null.
function registeredRule(row) {
  const of = (key) => (row.deviations || []).find((d) => d.key === key)?.registered;
  const [named, bound] = [of('rule') ?? row.rule, of('bound') ?? row.bound];
  const other = named !== row.rule || bound !== row.bound;
  return other && Object.hasOwn(SIGN, named) && Number.isFinite(bound) ? { rule: named, bound } : null;
}

function needs(row) {
  const other = registeredRule(row);
  return other ? `executed ${rule(row)}, registered ${rule(other)}` : `needs ${rule(row)}`;
}

// One line without what is not seen, as in ledger/text.py.
const clean = (text) => text.replace(UNSEEN, ' ').replace(/\s+/g, ' ').trim();

function reported(row) {
  const said = row.reported;
  if (!said) return '';
  if (said.verdict) return said.verdict;
  if (typeof said.value === 'number') return number(said.value, typeof row.estimate === 'number' ? spreadOf(row) : null);
  return said.words || '';
}

const GLYPHS = { pass: '●', fail: '◆', inconclusive: '○', refused: '⊘', deviated: '≠', broken: '!' };
const verdictMark = (state, word) => el('span', { class: `verdict ${state}` }, el('span', { 'aria-hidden': 'true' }, GLYPHS[state] || '!'), ' ', word);
const badge = (row) => (row.badge ? el('span', { class: `badge ${row.state}` }, row.badge) : null);
const plural = (n, noun) => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
