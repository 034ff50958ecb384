// Where the artifacts of a row come from: each one once, and below it what it was made from. The trees are Python's.
const ARTIFACTS = unpack(DATA.artifacts.named);

function provenanceBlock(row) {
  const tree = DATA.artifacts.trees[DATA.artifacts.of[row.at]];
  if (!tree) return part('Provenance', el('p', {}, 'This row names no artifact.'));
  const top = el('ul', { class: 'tree' });
  const lists = [top];
  let item = null;
  for (const [at, depth, also] of tree.branches) {
    lists.length = Math.min(lists.length, depth + 1);
    if (lists.length <= depth) {
      lists.push(el('ul', {}));
      item.append(lists.at(-1));
    }
    item = el('li', {}, artifactLine(ARTIFACTS[at]), also.length > 0 && [' and from ', also.map((k, i) => [i ? ', ' : '', artifactName(ARTIFACTS[k])])]);
    lists.at(-1).append(item);
  }
  return part('Provenance', top, tree.left > 0 && el('p', {}, `${plural(tree.left, 'more artifact')}: show ${row.label} lists them all.`));
}

const artifactName = (about) => el('code', { title: about.digest }, about.name);
const artifactLine = (about) => [about.label && [el('strong', {}, about.label), ' '], artifactName(about), ' ', el('small', {}, about.facts)];
