// What earlier runs found for this claim, and whether the scores or the promise changed on the way.
function historyBlock(row) {
  const points = (DATA.history || {})[row.at] || [];
  const spent = row.attempt && `Attempt ${row.attempt}${row.replay ? ', on data that the ledger had seen' : ''}. This look may err in ${short(100 * row.alpha_spent, 3)} % on either side, of ${short(100 * row.alpha, 3)} % in all${row.looks === 'one' ? '; one look was registered' : ''}.`;
  const judged = points.filter((p) => typeof p.estimate === 'number');
  const axis = judged.length && axisFor([...judged.flatMap((p) => [p.lo, p.hi]), ...allBounds(row)], 900);
  return part('History', spent && el('p', {}, spent), points.length ? [
    grid('Runs, oldest first', ['run', 'verdict', 'interval', 'estimate [interval]', 'change'], points.map((p) => [[runName(p.run), p.through && ` to ${runName(p.through)}`], pointMark(p),
      typeof p.estimate === 'number' ? forest({ ...row, ...p, adjusted: null, reported: null, attention: false, state: pointState(p), word: pointWord(p) }, axis, { width: 200 }) : '', interval(p),
      [p.through && 'none ', p.same_data === true && 're-judged, same scores ', p.same_data === false && 're-measured ', p.promise_moved && [loud('promise moved'), ' '], p.attempt > 1 && `attempt ${p.attempt} `, p.superseded && `as ${p.superseded}`]])),
    points.some((p) => p.promise_moved) && el('p', {}, 'The bound drawn is that of this run; earlier runs were judged by the promise of their time.'),
  ] : el('p', {}, 'No earlier run beside this one has a row of this claim.'), DATA.left_out.map((why) => el('p', {}, loud('left out'), ` an earlier run: ${why}`)));
}

const runName = (at) => ((DATA.earlier || [])[at] || DATA.run).id;

// As in ledger/ruling.py: what drifted is shown by its own verdict.
const inFamily = (point) => point.status !== 'drift' && point.family_verdict;
const pointState = (point) => (['refused', 'deviated'].includes(point.status) ? point.status : inFamily(point) || point.verdict || 'broken');
const pointWord = (point) => (!point.verdict ? point.status.replace('_', ' ') : inFamily(point) ? `${point.verdict} → ${point.family_verdict}` : point.verdict);
const pointMark = (point) => [verdictMark(pointState(point), pointWord(point)), point.status === 'drift' && [' ', loud('drift')]];
