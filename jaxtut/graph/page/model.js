// The graph as data, and what of it is to be seen: nodes, and folded groups in place of theirs.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const nodes = data.nodes, groups = data.groups;
const children = d3.group(groups, g => g.parent);
const membersOf = new Map(groups.map(g => [g.id, []]));
nodes.forEach(n => { for (let g = n.group; g !== null; g = groups[g].parent) membersOf.get(g).push(n); });

// A group of one node, and one that is all of the group around it, would fold to the same.
const foldable = groups.filter(g => {
  const size = membersOf.get(g.id).length;
  return size > 1 && (g.parent === null || membersOf.get(g.parent).length > size);
}).map(g => g.id);
const isFoldable = new Set(foldable);
const users = d3.group(nodes.flatMap(n => n.inputs.map(e => Object.assign(e, { user: n }))), e => e.node);
const state = { open: new Set(), constants: nodes.length <= 20, step: 0, chosen: null };

// Open groups from the outside in, as long as not too much is to be seen.
const openSome = most => {
  state.open = new Set();
  for (const id of d3.sort(foldable, g => around(g).length)) {
    if (!around(id).every(g => state.open.has(g))) continue;
    state.open.add(id);
    if (view().items.length > most) state.open.delete(id);
  }
};

const around = id => {
  const found = [];
  for (let g = groups[id].parent; g !== null; g = groups[g].parent) if (isFoldable.has(g)) found.push(g);
  return found;
};

// The outermost folded group around a node, or null.
const foldOf = n => {
  let fold = null;
  for (let g = n.group; g !== null; g = groups[g].parent) if (isFoldable.has(g) && !state.open.has(g)) fold = g;
  return fold;
};

const clusterOf = n => {
  let g = n.group;
  while (g !== null && !isFoldable.has(g)) g = groups[g].parent;
  return g;
};

// Items in the order of the forward pass, and edges between them.
const view = () => {
  const items = new Map(), place = new Map();
  for (const n of nodes) {
    if (n.op === "constant" && !state.constants && !data.outputs.includes(n.id)) continue;
    const fold = foldOf(n), key = fold === null ? `n${n.id}` : `g${fold}`;
    if (!items.has(key)) items.set(key, { key, fold, members: [], cluster: fold === null ? clusterOf(n) : parentOf(fold) });
    items.get(key).members.push(n);
    place.set(n.id, key);
  }
  const edges = new Map();
  for (const n of nodes) for (const e of n.inputs) {
    const from = place.get(e.node), to = place.get(n.id);
    if (!from || !to || from === to) continue;
    const key = `${from} ${to}`;
    if (!edges.has(key)) edges.set(key, { key, from, to, parts: [] });
    edges.get(key).parts.push({ ...e, to: n.id });
  }
  const list = [...items.values()].map(item => described(item));
  return { items: d3.sort(list, item => item.order), edges: [...edges.values()], place };
};

const parentOf = id => around(id)[0] ?? null;

// A folded group stands for what leaves it.
const described = item => {
  const inside = new Set(item.members.map(n => n.id));
  const leaves = item.members.filter(n => data.outputs.includes(n.id)
    || (users.get(n.id) ?? []).some(e => !inside.has(e.user.id)));
  const shown = leaves.length ? leaves[leaves.length - 1] : item.members[item.members.length - 1];
  return { ...item, shown, leaves, order: d3.max(item.members, n => n.id), unused: !leaves.length && !users.has(shown.id) };
};

const differentiable = edge => edge.parts.some(e => e.kind !== "none");
