const EDGE = 8;
// Where a value of an axis lies in a drawing of this width.
const along = ({ lo, hi }, width) => (value) => EDGE + ((value - lo) / (hi - lo)) * (width - 2 * EDGE);

// One row of a forest plot. Thick: the row's own interval. Thin: the interval adjusted for its family.
function forest(row, axis, { width = 240, height = 26, large = false } = {}) {
  const x = along(axis, width);
  const inside = (value) => Math.min(width - EDGE, Math.max(EDGE, x(value)));
  const mid = large ? height / 2 - 8 : height / 2;
  const parts = [];
  const other = registeredRule(row);
  const { rule: promised, bound: promisedBound } = other || row;
  const [from, to] = promised === 'within' ? [inside(-promisedBound), inside(promisedBound)] : promised === 'above' ? [inside(promisedBound), width] : [0, inside(promisedBound)];
  parts.push(svg('rect', { class: 'passing', x: from, y: 0, width: Math.max(0, to - from), height: large ? height - 24 : height }));
  const upright = (name) => (bound) => parts.push(svg('line', { class: name, x1: inside(bound), x2: inside(bound), y1: 0, y2: large ? height - 24 : height }));
  if (other) boundsOf(other).forEach(upright('registered'));
  boundsOf(row).forEach(upright('bound'));
  if (typeof row.estimate === 'number') {
    const whisker = (lo, hi, name) => {
      parts.push(svg('line', { class: name, x1: inside(lo), x2: inside(hi), y1: mid, y2: mid }));
      if (x(lo) < EDGE - 0.5) parts.push(svg('path', { class: 'arrow', d: `M${EDGE + 5} ${mid - 5}L${EDGE - 6} ${mid}L${EDGE + 5} ${mid + 5}Z` }));
      if (x(hi) > width - EDGE + 0.5) parts.push(svg('path', { class: 'arrow', d: `M${width - EDGE - 5} ${mid - 5}L${width - EDGE + 6} ${mid}L${width - EDGE - 5} ${mid + 5}Z` }));
    };
    if (row.adjusted) whisker(row.adjusted.lo, row.adjusted.hi, 'adjusted');
    whisker(row.lo, row.hi, 'own');
    const said = row.reported && row.reported.value;
    if (typeof said === 'number') {
      const at = inside(said);
      parts.push(svg('path', { class: 'reported', d: `M${at - 5} ${height - (large ? 26 : 1)}h10l-5 -8z` }));
    }
    parts.push(marker(row.state, inside(row.estimate), mid, large ? 7 : 5, row.attention));
  }
  if (large) {
    for (const tick of axis.ticks) {
      parts.push(svg('line', { class: 'tick', x1: x(tick), x2: x(tick), y1: height - 24, y2: height - 19 }));
      parts.push(svg('text', { class: 'label', x: x(tick), y: height - 5, 'text-anchor': 'middle' }, short(tick)));
    }
    parts.push(svg('line', { class: 'tick', x1: EDGE, x2: width - EDGE, y1: height - 24, y2: height - 24 }));
  }
  return svg('svg', { class: 'forest', role: 'img', viewBox: `0 0 ${width} ${height}`, width, height, 'aria-label': inWords(row) }, parts);
}

function marker(state, x, y, r, ringed) {
  const parts = [];
  if (ringed) parts.push(svg('circle', { class: 'ring', cx: x, cy: y, r: r + 4 }));
  if (state === 'fail') parts.push(svg('path', { class: 'mark fail', d: `M${x} ${y - r - 1}L${x + r + 1} ${y}L${x} ${y + r + 1}L${x - r - 1} ${y}Z` }));
  else parts.push(svg('circle', { class: `mark ${state}`, cx: x, cy: y, r }));
  if (state === 'deviated') parts.push(svg('line', { class: 'struck', x1: x - r - 3, x2: x + r + 3, y1: y + r + 3, y2: y - r - 3 }));
  return parts;
}

function inWords(row) {
  if (typeof row.estimate !== 'number') return `${row.word}: no interval`;
  const said = reported(row);
  return `${row.quantity} ${interval(row)}, ${needs(row)}: ${row.word}${said ? `; reported ${said}` : ''}`;
}

// The scale that the rows of a group share, printed once.
function scale(axis, width = 240) {
  const x = along(axis, width);
  const last = axis.ticks.length - 1;
  return svg('svg', { class: 'forest', viewBox: `0 0 ${width} 20`, width, height: 20, 'aria-hidden': 'true' },
    svg('line', { class: 'tick', x1: EDGE, x2: width - EDGE, y1: 18, y2: 18 }),
    axis.ticks.map((tick, i) => [
      svg('line', { class: 'tick', x1: x(tick), x2: x(tick), y1: 14, y2: 18 }),
      svg('text', { class: 'label', x: x(tick), y: 11, 'text-anchor': i === 0 && x(tick) < 20 ? 'start' : i === last && x(tick) > width - 20 ? 'end' : 'middle' }, short(tick)),
    ]));
}

// As ticks() in ledger/figures/scale.py.
function roundTicks(lo, hi) {
  const power = Math.floor(Math.log10(hi - lo));
  for (const p of [power, power - 1]) {
    for (const k of [5, 2, 1]) {
      const step = k * 10 ** p;
      const [first, last] = [Math.ceil(lo / step - 1e-9), Math.floor(hi / step + 1e-9)];
      if (last - first >= 2) return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
    }
  }
  return [];
}
