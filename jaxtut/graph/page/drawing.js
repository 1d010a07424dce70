// The drawing: dagre places nodes and edges, d3 draws them and moves the picture.
"use strict";

const svg = d3.select("#graph"), picture = svg.append("g");
svg.append("defs").append("marker").attr("id", "tip").attr("viewBox", "0 0 8 8").attr("refX", 7).attr("refY", 4)
  .attr("markerWidth", 7).attr("markerHeight", 7).attr("markerUnits", "userSpaceOnUse").attr("orient", "auto")
  .append("path").attr("d", "M0 0L8 4L0 8z").attr("class", "tip");
const layers = ["clusters", "edges", "nodes"].map(name => picture.append("g").attr("class", name));
const zoom = d3.zoom().scaleExtent([0.05, 4]).on("zoom", event => picture.attr("transform", event.transform));
svg.call(zoom).on("dblclick.zoom", null);

const linesOf = item => {
  const n = item.shown, small = n.op === "constant";
  const name = item.fold !== null ? `▸ ${title(item)}` : n.names.length || small ? n.symbol : n.op.replace(/^_+/, "");
  const head = item.fold === null && n.names.length && n.op !== "input" ? `${name}   ${n.op.replace(/^_+/, "")}` : name;
  return small ? [name.slice(0, 20)] : [head.length > 34 ? `${head.slice(0, 33)}…` : head, `value ${words(n.value)}`, n.gradient ? `grad ${words(n.gradient)}` : "no gradient"];
};

const edgeLabel = edge => {
  const known = edge.parts.filter(e => e.kind === "whole");
  return edge.parts.length === 1 && known.length === 1 && known[0].local.numbers ? words(known[0].local, 22) : "";
};

// From left to right or from top to bottom: whichever can be drawn larger.
const layout = seen => {
  const down = placed(seen, "TB");
  if (seen.items.length > 40) return down;
  const right = placed(seen, "LR");
  return scaleOf(right.graph()) > scaleOf(down.graph()) ? right : down;
};

const scaleOf = ({ width, height }) => Math.min(svg.node().clientWidth / width, svg.node().clientHeight / height);

const placed = (seen, direction) => {
  const clusters = seen.items.length <= 260;
  const g = new dagre.graphlib.Graph({ compound: clusters, multigraph: false });
  g.setGraph({ rankdir: direction, nodesep: 22, ranksep: seen.items.length > 120 ? 34 : 52, marginx: 12, marginy: 12 });
  g.setDefaultEdgeLabel(() => ({}));
  for (const item of seen.items) {
    g.setNode(item.key, { width: Math.max(44, 22 + 7.4 * d3.max(item.lines, l => l.length)), height: 12 + 18 * item.lines.length });
  }
  if (clusters) for (const item of seen.items) {
    let child = item.key;
    for (let c = item.cluster; c !== null; c = parentOf(c)) {
      if (!g.hasNode(`c${c}`)) g.setNode(`c${c}`, {});
      g.setParent(child, `c${c}`);
      child = `c${c}`;
    }
  }
  for (const e of seen.edges) {
    g.setEdge(e.from, e.to, e.label ? { width: 7 * e.label.length, height: 16, labelpos: "c" } : {});
  }
  dagre.layout(g);
  return g;
};

const draw = (seen, act) => {
  seen.items.forEach(item => { item.lines = linesOf(item); });
  seen.edges.forEach(edge => { edge.label = edgeLabel(edge); });
  const g = layout(seen);
  const boxes = g.nodes().filter(key => key.startsWith("c") && g.node(key).width).map(key => ({ id: Number(key.slice(1)), ...g.node(key) }));
  boxes.sort((a, b) => b.width * b.height - a.width * a.height);
  const cluster = layers[0].selectAll("g").data(boxes, d => d.id).join(enter => {
    const made = enter.append("g").attr("class", "cluster");
    made.append("rect").attr("rx", 10);
    made.append("text").attr("role", "button").attr("tabindex", 0);
    return made;
  });
  cluster.select("rect").attr("x", d => d.x - d.width / 2).attr("y", d => d.y - d.height / 2).attr("width", d => d.width).attr("height", d => d.height);
  cluster.select("text").attr("x", d => d.x - d.width / 2 + 9).attr("y", d => d.y - d.height / 2 + 16).text(d => `▾ ${groups[d.id].name}`)
    .attr("aria-label", d => `fold ${groups[d.id].name}`)
    .on("click", (event, d) => act.fold(d.id)).on("keydown", (event, d) => { if (event.key === "Enter") act.fold(d.id); });
  const line = d3.line(p => p.x, p => p.y).curve(d3.curveBasis);
  const edge = layers[1].selectAll("g").data(seen.edges, d => d.key).join(enter => {
    const made = enter.append("g");
    made.append("path").attr("marker-end", "url(#tip)");
    made.append("text").attr("class", "label").attr("dy", "0.32em");
    return made;
  });
  edge.select("path").attr("d", d => line(g.edge(d.from, d.to).points));
  edge.select("text").attr("x", d => g.edge(d.from, d.to).x ?? 0).attr("y", d => g.edge(d.from, d.to).y ?? 0);
  const node = layers[2].selectAll("g.node").data(seen.items, d => d.key).join(enter => {
    const made = enter.append("g").attr("tabindex", 0).attr("role", "button").attr("class", "node");
    made.append("rect").attr("rx", 7);
    ["name", "value", "gradient"].forEach(c => made.append("text").attr("class", c));
    return made;
  });
  node.attr("data-key", d => d.key).attr("transform", d => `translate(${g.node(d.key).x},${g.node(d.key).y})`)
    .on("click", (event, d) => act.choose(d)).on("dblclick", (event, d) => act.toggle(d))
    .on("mouseenter", (event, d) => act.look(d)).on("mouseleave", () => act.look(null)).on("focus", (event, d) => { act.look(d); reveal(d); })
    .on("keydown", (event, d) => { if (event.key === "Enter") { event.preventDefault(); act.toggle(d); } });
  node.select("rect").attr("x", d => -g.node(d.key).width / 2).attr("y", d => -g.node(d.key).height / 2)
    .attr("width", d => g.node(d.key).width).attr("height", d => g.node(d.key).height);
  ["name", "value", "gradient"].forEach((c, i) => node.select(`.${c}`)
    .attr("x", d => 10 - g.node(d.key).width / 2).attr("y", d => 19 + 18 * i - g.node(d.key).height / 2));
  layers[2].selectAll("g.node").order();
  picture.datum(g.graph());
};

// What the step has reached; nothing moves.
const paint = (seen, steps) => {
  const at = steps[state.step] ?? { phase: 2, item: null };
  const reached = phase => new Set(steps.slice(0, state.step + 1).filter(s => s.phase === phase).map(s => s.item.key));
  const [forward, local, backward] = [0, 1, 2].map(reached);
  layers[2].selectAll("g.node").attr("class", d => ["node", d.fold !== null ? "group" : d.shown.op === "input" ? "input" : "",
    d.shown.op === "constant" ? "constant" : "", d.shown.gradient ? "" : "discrete",
    forward.has(d.key) || d.shown.op === "constant" ? "" : "unseen", d.key === state.chosen ? "chosen" : "",
    at.item && d.key === at.item.key ? `now p${at.phase}` : ""].filter(Boolean).join(" "))
    .attr("aria-label", d => d.lines.join(", "))
    .each(function (d) {
      const [name, value, gradient] = d.lines, one = d3.select(this);
      one.select(".name").text(name);
      one.select(".value").text(value && forward.has(d.key) ? value : "");
      one.select(".gradient").text(gradient && d.shown.gradient ? (backward.has(d.key) ? gradient : "") : gradient ?? "");
    });
  const shown = e => at.phase > 1 || local.has(e.to);
  layers[1].selectAll("g").attr("class", d => ["edge", differentiable(d) ? "" : "none", shown(d) && differentiable(d) ? "local" : "",
    backward.has(d.to) && differentiable(d) ? "passed" : ""].filter(Boolean).join(" "));
  layers[1].selectAll("text").text(d => shown(d) ? d.label : "");
};

const fit = () => {
  const { width, height } = picture.datum() ?? {}, w = svg.node().clientWidth, h = svg.node().clientHeight;
  if (!width || !w) return;
  // A large graph starts at its top, readable, not as a speck.
  const k = Math.max(Math.min(w / width, h / height, 1.35), Math.min(0.42, w / Math.min(width, 1400)));
  const x = (w - k * width) / 2, y = k * height > h ? 6 : (h - k * height) / 2;
  svg.call(zoom.transform, d3.zoomIdentity.translate(x, y).scale(k));
};

// Move the picture if a node is outside of it.
const reveal = item => {
  const box = layers[2].selectAll("g.node").filter(d => d.key === item.key).node();
  if (!box) return;
  const inside = svg.node().getBoundingClientRect(), r = box.getBoundingClientRect();
  if (r.left >= inside.left && r.right <= inside.right && r.top >= inside.top && r.bottom <= inside.bottom) return;
  const t = d3.zoomTransform(svg.node());
  const dx = inside.left + inside.width / 2 - (r.left + r.width / 2), dy = inside.top + inside.height / 2 - (r.top + r.height / 2);
  svg.call(zoom.transform, d3.zoomIdentity.translate(t.x + dx, t.y + dy).scale(t.k));
};
