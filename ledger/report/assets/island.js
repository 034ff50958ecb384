// The data of the page; the inverse of pack() in island.py.
function unpack(packed) {
  const rows = Array.from({ length: packed.length }, () => ({}));
  for (const [key, [kind, values, indices]] of Object.entries(packed.columns)) {
    rows.forEach((row, i) => {
      row[key] = kind === 'same' ? values : kind === 'each' ? values[i] : values[indices[i]];
    });
  }
  return rows;
}

const DATA = JSON.parse(byId('data').textContent);
DATA.rows = unpack(DATA.rows);
const axisOf = (row) => (DATA.axes[row.subject] || {})[row.axis];
