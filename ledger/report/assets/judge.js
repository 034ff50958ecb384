// The decision rule of ledger/verdict.py, and its reason in words. Checked against Python on random rows.
function decide(rule, bound, lo, hi) {
  if (![bound, lo, hi].every(Number.isFinite) || !(lo < hi) || (rule === 'within' && bound <= 0)) return null;
  let passed, failed;
  if (rule === 'above') { passed = lo > bound; failed = hi < bound; }
  else if (rule === 'below') { passed = hi < bound; failed = lo > bound; }
  else { passed = -bound < lo && hi < bound; failed = lo > bound || hi < -bound; }
  return passed ? 'pass' : failed ? 'fail' : 'inconclusive';
}

// A limit with as many decimals as it takes to lie on the right side of the bound.
function beside(limit, bound, spread) {
  const side = (x, b) => (x > b) - (x < b);
  let text = number(limit, spread);
  for (let d = text.split('.')[1].length + 1; d <= 12 && side(Number(text), Number(short(bound))) !== side(limit, bound); d += 1) {
    text = (negative(limit) ? '-' : '+') + fixed(Math.abs(limit), d);
  }
  return text;
}

// The same words as because() in ledger/deciding.py.
function because(rule, bound, lo, hi, verdict) {
  if (!verdict) return 'has no verdict';
  const b = short(bound);
  const [low, high] = [lo, hi].map((x) => beside(x, rule === 'within' && x <= 0 ? -bound : bound, hi - lo));
  if (rule === 'within') {
    if (verdict === 'pass') return `passes because both limits, ${low} and ${high}, lie within ±${b}`;
    if (verdict === 'fail') return `fails because the whole interval, ${low} to ${high}, lies outside ±${b}`;
    return `is inconclusive because the interval, ${low} to ${high}, contains an end of ±${b}`;
  }
  if (verdict === 'inconclusive') return `is inconclusive because the interval, ${low} to ${high}, contains the bound ${b}`;
  const above = (rule === 'above') === (verdict === 'pass');
  const verb = verdict === 'pass' ? 'passes' : 'fails';
  return `${verb} because the ${above ? 'lower' : 'upper'} limit ${above ? low : high} is ${above ? 'above' : 'below'} the bound ${b}`;
}
