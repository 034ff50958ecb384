// Where the artifacts of a row come from: each one, and below it what it was made from.
function provenanceBlock(row) {
  if (!row.artifacts) return part('Provenance', el('p', {}, 'This row names no artifact.'));
  const known = DATA.artifacts || {};
  const short12 = new Map(Object.keys(known).map((digest) => [digest.slice(0, 12), digest]));
  const inputs = (digest) => ((known[digest] || {}).inputs || []).map((i) => short12.get(i) || i);
  const below = new Set();
  const reach = (digest) => inputs(digest).forEach((i) => { if (!below.has(i)) { below.add(i); reach(i); } });
  row.artifacts.forEach(reach);
  const listed = new Set();
  const branch = (digest) => {
    const again = listed.has(digest);
    listed.add(digest);
    return el('li', {}, artifactLine(digest, known[digest]), again ? ' (listed above)' : inputs(digest).length > 0 && el('ul', {}, inputs(digest).map(branch)));
  };
  const roots = row.artifacts.filter((digest) => !below.has(digest));
  const tree = (roots.length ? roots : row.artifacts).map(branch);
  return part('Provenance', el('ul', { class: 'tree' }, tree, row.artifacts.filter((digest) => !listed.has(digest)).map(branch)));
}

function artifactLine(digest, about) {
  const code = el('code', { title: digest }, digest.slice(0, 12));
  if (!about) return [code, ' origin not recorded'];
  const cost = [about.builder + (about.version ? ` version ${about.version}` : ''), about.bytes !== undefined && inBytes(about.bytes), about.seconds !== undefined && `${short(about.seconds, 4)} s`,
    [about.runner, about.device, about.gpu].filter(Boolean).join(' on '), about.usd > 0 && `$${about.usd.toFixed(2)}`, about.when];
  return [el('strong', {}, about.label), ' ', code, ' ', el('small', {}, cost.filter(Boolean).join(' · '))];
}

function inBytes(n) {
  const units = ['B', 'kB', 'MB', 'GB'];
  const k = Math.min(3, Math.max(0, Math.floor(Math.log10(n || 1) / 3)));
  return `${(n / 1000 ** k).toFixed(k ? 1 : 0)} ${units[k]}`;
}
