// Numbers and rules as ledger/text.py writes them: one format for everything.
function number(value, spread) {
  if (value === null || value === undefined) return '-';
  let decimals = 3;
  if (spread > 0 && spread < 0.02) decimals = Math.min(8, 1 - Math.floor(Math.log10(spread)) + 1);
  else if (spread > 50) decimals = 1;
  const text = Math.abs(value).toFixed(decimals);
  return (value < 0 || Object.is(value, -0) ? '-' : '+') + text;
}

// Python's "%g": six significant digits, no trailing zeros.
function short(value) {
  if (value === 0) return '0';
  const power = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(6)))));
  if (power < -5 || power >= 6) {
    const [digits, e] = value.toExponential(5).split('e');
    return `${Number(digits)}e${e[0]}${e.slice(1).padStart(2, '0')}`;
  }
  return String(Number(value.toPrecision(6)));
}

const percent = (level) => `${Number((100 * level).toPrecision(4))} %`;
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

function reported(row) {
  const said = row.reported;
  if (!said) return '';
  if (said.verdict) return said.verdict;
  if (typeof said.value === 'number') return number(said.value, typeof row.estimate === 'number' ? spreadOf(row) : null);
  return said.words || '';
}

const GLYPHS = { pass: '●', fail: '◆', inconclusive: '○', refused: '⊘', deviated: '≠', broken: '!' };
const verdictMark = (state, word) => el('span', { class: `verdict ${state}` }, el('span', { 'aria-hidden': 'true' }, GLYPHS[state] || '!'), ' ', word);
const badge = (row) => (row.badge ? el('span', { class: 'badge' }, row.badge) : null);
const plural = (n, noun) => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
