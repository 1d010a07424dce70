// The algorithm of the notes, step by step: forward pass, local gradients, backward pass; and what each step says.
"use strict";

const PHASES = ["Forward pass", "Local gradients", "Backward pass"];

const stepsOf = seen => {
  const incoming = d3.group(seen.edges.filter(differentiable), e => e.to);
  const items = seen.items.filter(item => item.shown.op !== "constant");
  const backward = [...items].reverse().filter(item => item.shown.gradient && !item.unused);
  return [
    ...items.map(item => ({ phase: 0, item })),
    ...items.filter(item => incoming.has(item.key)).map(item => ({ phase: 1, item })),
    ...backward.map(item => ({ phase: 2, item })),
  ];
};

const output = () => nodes[data.outputs[data.outputs.length - 1]];
const loss = () => /^v\d+$/.test(output().symbol) ? "L" : output().symbol;
const slopeOf = n => n === output() ? `∂${loss()}/∂${loss()}` : `∂${loss()}/∂${n.symbol}`;
const title = item => item.fold === null ? item.shown.symbol : groups[item.fold].name;

const inNumbers = (text, n) => {
  let all = true, result = text;
  for (const e of n.inputs) {
    const input = nodes[e.node];
    if (!isNumber(input.value)) all = false;
    else if (input.op !== "constant") result = result.split(" ").map(w => swapped(w, input)).join(" ");
  }
  return all && result !== text ? result : null;
};

const swapped = (word, input) => {
  const number = write(input.value.numbers[0]), shown = number.startsWith("-") ? `(${number})` : number;
  const [, open, bare, close] = word.match(/^([(−√|]*)(.*?)([²,)|]*|\^.*)$/u);
  return bare === input.symbol ? open + shown + close : word;
};

const sayForward = item => {
  const n = item.shown;
  if (item.fold !== null) return `${title(item)}(…) gives ${words(n.value, 60)}`;
  if (n.op === "input") return `${n.symbol} = ${words(n.value, 60)}, an input`;
  const numbers = inNumbers(n.formula, n);
  return `${n.symbol} = ${n.formula}${numbers ? ` = ${numbers}` : ""} = ${words(n.value, 60)}`;
};

const sayLocal = (item, seen) => {
  if (item.fold !== null) return `the slopes inside ${title(item)}: open it to see them`;
  const known = item.shown.inputs.filter(e => e.kind !== "none" && (nodes[e.node].op !== "constant" || state.constants));
  return known.map(e => {
    const slope = e.slope && e.slope.length < 40 && !/^[−\d.]+$/.test(e.slope) ? ` = ${e.slope}` : "";
    return `∂${item.shown.symbol}/∂${nodes[e.node].symbol}${slope}${e.kind === "whole" ? ` = ${words(e.local, 44)}` : `, ${e.local.shape.join("×")}, known by its products`}`;
  }).join(";   ");
};

// Where a gradient comes from: every node that uses the value hands over its part.
const partsOf = n => (users.get(n.id) ?? []).filter(e => e.kind !== "none");

const sayBackward = item => {
  const n = item.shown, parts = partsOf(n);
  if (data.outputs.includes(n.id) && !parts.length) return `${slopeOf(n)} = ${words(n.gradient, 60)}, where the backward pass begins`;
  const symbols = parts.map(p => `${slopeOf(p.user)} · ∂${p.user.symbol}/∂${n.symbol}`).join(" + ");
  const scalars = parts.every(p => isNumber(p.local) && isNumber(p.user.gradient));
  const bracket = x => String(write(x)).startsWith("-") ? `(${write(x)})` : write(x);
  const numbers = scalars ? parts.map(p => `${write(p.user.gradient.numbers[0])} · ${bracket(p.local.numbers[0])}`).join(" + ") : null;
  if (!parts.length) return `${slopeOf(n)} = 0: nothing that is differentiable uses it`;
  return `${slopeOf(n)} = ${symbols}${numbers ? ` = ${numbers}` : ""} = ${words(n.gradient, 60)}`;
};

const say = (step, seen) => [sayForward, sayLocal, sayBackward][step.phase](step.item, seen);
