// The panel beside the drawing: everything about one node or one group.
"use strict";

const panel = d3.select("#panel");

const section = (heading, fill) => {
  panel.append("h3").text(heading);
  fill(panel.append("div"));
};

const showItem = (item, act) => {
  panel.selectAll("*").remove();
  if (!item) { panel.append("p").attr("class", "muted").text("Point at a node, or choose one with Tab, to see its formula and its numbers."); return; }
  if (item.fold !== null) showGroup(item, act); else showNode(item.shown, item, act);
};

const button = (text, action) => panel.append("button").text(text).on("click", action);

const showGroup = (item, act) => {
  const g = groups[item.fold], kinds = d3.rollups(item.members, v => v.length, n => n.op);
  panel.append("h2").text(g.name);
  panel.append("p").attr("class", "muted").text(`${g.kind === "function" ? "a call" : g.kind}${g.source ? ` at ${g.source}` : ""}, ${item.members.length} nodes: ${kinds.map(([op, k]) => k > 1 ? `${k} ${op}` : op).join(", ")}`);
  button("open", () => act.toggle(item));
  for (const n of item.leaves) {
    section(`value of ${n.symbol}`, at => showArray(at, n.value, `the value of ${n.symbol}`));
    section(slopeOf(n), at => showArray(at, n.gradient, slopeOf(n)));
  }
};

const showNode = (n, item, act) => {
  panel.append("h2").text(n.names.join(", ") || n.op);
  panel.append("p").attr("class", "muted").text([`node ${n.id}`, n.op, n.source].filter(Boolean).join(", "));
  if (item.cluster !== null) button(`fold ${groups[item.cluster].name}`, () => act.fold(item.cluster));
  if (n.op !== "input" && n.op !== "constant") {
    panel.append("code").attr("class", "math").text(`${n.symbol} = ${n.formula}`);
    const numbers = inNumbers(n.formula, n);
    if (numbers) panel.append("code").attr("class", "math").text(`${" ".repeat(n.symbol.length)} = ${numbers} = ${words(n.value)}`);
  }
  section("value", at => showArray(at, n.value, `the value of ${n.symbol}`));
  section(`backward gradient ${slopeOf(n)}`, at => {
    if (n.gradient) at.append("code").attr("class", "math").text(sayBackward(item));
    showArray(at, n.gradient, slopeOf(n));
  });
  for (const e of n.inputs) {
    const input = nodes[e.node], about = `∂${n.symbol}/∂${input.symbol}`;
    section(`local gradient ${about}`, at => {
      if (e.kind === "none") { at.append("p").attr("class", "muted").text("none: no gradient passes here"); return; }
      if (e.slope) at.append("code").attr("class", "math").text(`= ${e.slope}`);
      if (e.kind === "whole") showArray(at, e.local, about);
      else at.append("p").attr("class", "muted").text(`${e.local.text}, never stored; ‖J‖ ≈ ${write(e.local.norm)}`);
      at.append("p").attr("class", "muted").text(`hands to ${input.symbol}: ${words(e.part, 60)}`);
    });
  }
};
