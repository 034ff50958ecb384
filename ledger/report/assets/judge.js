// The decision rule of ledger/verdict.py, and its reason in words. Checked against Python on random rows.
function decide(rule, bound, lo, hi) {
  if (![bound, lo, hi].every(Number.isFinite) || !(lo < hi)) return null;
  let passed, failed;
  if (rule === 'above') { passed = lo > bound; failed = hi < bound; }
  else if (rule === 'below') { passed = hi < bound; failed = lo > bound; }
  else { passed = -bound < lo && hi < bound; failed = lo > bound || hi < -bound; }
  return passed ? 'pass' : failed ? 'fail' : 'inconclusive';
}

function because(rule, bound, lo, hi, verdict) {
  const [low, high, b] = [number(lo, hi - lo), number(hi, hi - lo), short(bound)];
  if (verdict === null) return 'has no verdict';
  if (rule === 'within') {
    if (verdict === 'pass') return `passes because both limits, ${low} and ${high}, lie within ±${b}`;
    if (verdict === 'fail') return `fails because the whole interval, ${low} to ${high}, lies outside ±${b}`;
    return `is inconclusive because the interval, ${low} to ${high}, reaches across a margin of ±${b}`;
  }
  if (verdict === 'inconclusive') return `is inconclusive because the bound ${b} lies between the limits ${low} and ${high}`;
  const above = (rule === 'above') === (verdict === 'pass');
  const verb = verdict === 'pass' ? 'passes' : 'fails';
  return `${verb} because the ${above ? 'lower' : 'upper'} limit ${above ? low : high} is ${above ? 'above' : 'below'} the bound ${b}`;
}
