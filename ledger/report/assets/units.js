// Per-unit scores: one dot per unit, or a histogram where dots would not fit. Written by ledger/report/units.py.
const MANY = 400;
const TALLEST = 20;
let lanes = null;

function lanesOf(row) {
  if (!lanes) {
    lanes = new Map();
    for (const lane of unpack(DATA.units)) lanes.set(lane.data, [...(lanes.get(lane.data) || []), lane]);
  }
  return lanes.get((row.data || '').slice(0, 16)) || [];
}

// The scores of a lane in rising order, each to half a step of 1/255 of the range.
function scoresOf(lane) {
  const bits = atob(lane.bits);
  const found = [];
  let level = 0;
  for (let i = 0; i < 8 * bits.length && found.length < lane.n; i += 1) {
    if ((bits.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1) found.push(lane.lo + ((lane.hi - lane.lo) * level) / 255);
    else level += 1;
  }
  return found;
}

function unitsBlock(row) {
  if (typeof row.estimate !== 'number') return null;
  const mine = lanesOf(row);
  if (!mine.length) return part('Per-unit scores', el('p', {}, 'There was no scores file beside this run.'));
  const drawn = mine.filter((lane) => lane.n);
  const marks = (lane) => [...(lane.against === 'zero' ? [['zero', 0]] : []), ...(lane.judged ? judgedMarks(row) : [])];
  const width = figureWidth();
  const axis = drawn.length ? axisFor(drawn.flatMap((lane) => [lane.lo, lane.hi, ...marks(lane).map(([, x]) => x)]), width) : null;
  return part('Per-unit scores', mine.map((lane) => [
    el('p', {}, lane.name && [el('strong', {}, lane.name), ': '], lane.n ? `${plural(lane.n, 'score')}; each is ${lane.dot}.` : `Nothing to draw: ${lane.dot}.`),
    lane.n && [laneFigure(lane, axis, width, marks(lane)), standing(lane, row), disclosure('the same in numbers', () => binTable(lane))]]),
  drawn.length > 0 && el('p', {}, copyButton('copy the scores as CSV', () => scoresCsv(drawn)), el('small', {}, ' Dots are rounded to 1/255 of their range. The exact scores are in the scores file.')));
}

function judgedMarks(row) {
  const other = registeredRule(row);
  return [...boundsOf(row).map((b) => [other ? 'executed' : 'bound', b]), ...(other ? boundsOf(other).map((b) => ['registered', b]) : [])];
}

function laneFigure(lane, axis, width, marks) {
  const x = along(axis, width);
  const step = lane.n > MANY ? 10 : 7;
  const scores = scoresOf(lane);
  const columns = new Map();
  for (const score of scores) {
    const k = Math.round(x(score) / step);
    columns.set(k, (columns.get(k) || 0) + 1);
  }
  const most = Math.max(...columns.values());
  const dotted = lane.n <= MANY && most <= TALLEST;
  const base = dotted ? 24 + most * 6.5 : 120;
  let d = '';
  for (const [k, count] of columns) {
    if (dotted) for (let i = 0; i < count; i += 1) d += `M${k * step - 3} ${base - 4 - i * 6.5}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0`;
    else d += `M${k * step - step / 2 + 0.5} ${base}v${-Math.max(1, (count / most) * 90)}h${step - 1}V${base}z`;
  }
  const lines = new Map();
  for (const [name, at] of marks.sort((p, q) => p[1] - q[1])) lines.set(at, lines.has(at) ? `${lines.get(at)} and ${name}` : name);
  const last = lines.size - 1;
  const places = [...lines.keys()].map(x);
  const lonely = (i) => [i - 1, i + 1].every((k) => !(Math.abs(places[k] - places[i]) < 50));
  const words = [...lines].map(([at, name], i) => [svg('line', { class: name === 'zero' ? 'tick' : name.endsWith('registered') ? 'registered' : 'bound', x1: x(at), x2: x(at), y1: 16, y2: base }),
    (i === 0 || i === last || lonely(i)) && svg('text', { class: 'label', x: x(at), y: 12, 'text-anchor': last === 0 || (i && i < last) ? 'middle' : i ? 'start' : 'end' }, name)]);
  const tallest = [...columns].find(([, count]) => count === most)[0];
  const centre = lane.centre && x(lane.centre[1]);
  return svg('svg', { class: 'forest', role: 'img', viewBox: `0 0 ${width} ${base + 24}`, width, height: base + 24, 'aria-label': `${dotted ? 'Dots' : 'Histogram'} of ${lane.n} scores from ${short(lane.lo, 3)} to ${short(lane.hi, 3)}` },
    svg('path', { class: 'dots', d }),
    words, !dotted && svg('text', { class: 'label', x: tallest * step + 7, y: 38 }, most),
    svg('line', { class: 'tick', x1: 8, x2: width - 8, y1: base, y2: base }),
    centre && svg('path', { class: 'reported', d: `M${centre - 5} ${base + 9}h10l-5 -8z` }),
    axis.ticks.map((tick) => [svg('line', { class: 'tick', x1: x(tick), x2: x(tick), y1: base, y2: base + 5 }), svg('text', { class: 'label', x: x(tick), y: base + 20, 'text-anchor': 'middle' }, short(tick))]));
}

function standing(lane, row) {
  const scores = scoresOf(lane);
  const ends = (ids, values) => ids.map((id, i) => `${id} (${short(values[i], 3)})`).join(', ');
  const [above, at, below] = lane.wins || [];
  return known([
    [lane.centre && lane.centre[0], lane.centre && `${number(lane.centre[1], lane.hi - lane.lo)} (open triangle)`],
    ...(lane.wins ? [row.rule === 'below' ? ['wins / ties / losses', `${below} / ${at} / ${above} (below, at, above ${lane.against})`]
      : [row.rule === 'above' ? 'wins / ties / losses' : 'above / at / below', `${above} / ${at} / ${below} (above, at, below ${lane.against})`]] : []),
    ['lowest', lane.low && ends(lane.low, scores)],
    ['highest', lane.high && ends(lane.high, scores.toReversed())],
  ]);
}

function binTable(lane) {
  const bins = Math.min(16, new Set(scoresOf(lane)).size);
  const counts = Array(bins).fill(0);
  const wide = (lane.hi - lane.lo) / bins;
  for (const score of scoresOf(lane)) counts[wide ? Math.min(bins - 1, Math.floor((score - lane.lo) / wide)) : 0] += 1;
  return grid('Units per range of scores', ['from', 'to', 'units'], counts.map((count, i) => [short(lane.lo + i * wide, 4), short(lane.lo + (i + 1) * wide, 4), String(count)]));
}

function scoresCsv(drawn) {
  return csvOf([['lane', 'unit', 'score rounded to 1/255 of the range'], ...drawn.flatMap((lane) => scoresOf(lane).map((score, i) => [
    lane.name || lane.dot, (lane.low || [])[i] || (lane.high || [])[lane.n - 1 - i] || '', Number(score.toPrecision(6))]))]);
}
