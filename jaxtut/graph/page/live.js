// The algorithm itself, on small arrays: used when the reader changes an input.
"use strict";

// The value, and the slope in each operand, of one element.
const RULES = {
  add: [(a, b) => a + b, () => 1, () => 1],
  sub: [(a, b) => a - b, () => 1, () => -1],
  mul: [(a, b) => a * b, (a, b) => b, a => a],
  div: [(a, b) => a / b, (a, b) => 1 / b, (a, b) => -a / (b * b)],
  max: [Math.max, (a, b) => a > b ? 1 : a < b ? 0 : 0.5, (a, b) => b > a ? 1 : b < a ? 0 : 0.5],
  min: [Math.min, (a, b) => a < b ? 1 : a > b ? 0 : 0.5, (a, b) => b < a ? 1 : b > a ? 0 : 0.5],
  neg: [a => -a, () => -1],
  exp: [Math.exp, Math.exp],
  log: [Math.log, a => 1 / a],
  sin: [Math.sin, Math.cos],
  cos: [Math.cos, a => -Math.sin(a)],
  tanh: [Math.tanh, a => 1 - Math.tanh(a) ** 2],
  sqrt: [Math.sqrt, a => 0.5 / Math.sqrt(a)],
  square: [a => a * a, a => 2 * a],
  logistic: [a => 1 / (1 + Math.exp(-a)), a => { const s = 1 / (1 + Math.exp(-a)); return s * (1 - s); }],
  abs: [Math.abs, Math.sign],
  convert_element_type: [a => a, () => 1],
  copy: [a => a, () => 1],
};

const rounding = n => n.value.dtype === "float32" ? Math.fround : x => x;
const plain = x => Number.isFinite(x) ? x : String(x).replace("Infinity", "inf").replace("NaN", "nan");
const back = x => typeof x === "string" ? Number(x.replace("inf", "Infinity")) : x;

const operandsOf = n => {
  const ids = n.inputs.map(e => e.node);
  return ids.length === 1 && RULES[n.op] && RULES[n.op].length === 3 ? [ids[0], ids[0]] : ids;
};

// One step forward: the value and the Jacobian in each input.
const forwardStep = (n, values) => {
  const round = rounding(n), ids = operandsOf(n), args = ids.map(i => values.get(i));
  if (n.op === "reduce_sum") {
    const total = args[0].reduce((a, b) => round(a + b), 0);
    return { value: [total], jacobians: new Map([[ids[0], [args[0].map(() => 1)]]]) };
  }
  const size = d3.max(args, a => a.length);
  const rule = n.op === "integer_pow"
    ? [a => a ** n.params.y, a => n.params.y * a ** (n.params.y - 1)] : RULES[n.op];
  const at = i => args.map(a => a.length === 1 ? a[0] : a[i]);
  const value = d3.range(size).map(i => round(rule[0](...at(i))));
  const jacobians = new Map();
  ids.forEach((id, k) => {
    const before = jacobians.get(id);
    jacobians.set(id, d3.range(size).map(i => args[k].map((_, j) => {
      const slope = args[k].length === 1 || i === j ? round(rule[k + 1](...at(i))) : 0;
      return (before ? before[i][j] : 0) + slope;
    })));
  });
  return { value, jacobians };
};

// Forward pass, local gradients and backward pass; the numbers go into the nodes.
const recompute = () => {
  const values = new Map(), steps = new Map(), gradients = new Map();
  for (const n of nodes) {
    if (n.op === "input" || n.op === "constant") { values.set(n.id, n.value.numbers.map(back)); continue; }
    steps.set(n.id, forwardStep(n, values));
    values.set(n.id, steps.get(n.id).value);
  }
  nodes.forEach(n => gradients.set(n.id, values.get(n.id).map(() => 0)));
  gradients.set(data.outputs[0], [1]);
  for (const n of [...nodes].reverse()) for (const e of n.inputs) {
    const jacobian = steps.get(n.id).jacobians.get(e.node), above = gradients.get(n.id), round = rounding(n);
    const part = values.get(e.node).map((_, j) => d3.sum(jacobian, (row, i) => round(above[i] * row[j])));
    gradients.set(e.node, gradients.get(e.node).map((g, j) => round(g + part[j])));
    e.local.numbers = jacobian.flat().map(plain);
    e.part.numbers = part.map(plain);
  }
  for (const n of nodes) {
    n.value.numbers = values.get(n.id).map(plain);
    n.gradient.numbers = gradients.get(n.id).map(plain);
  }
};

const showInputs = changed => {
  if (!data.live) return;
  const form = d3.select("#inputs").attr("hidden", null).on("submit", event => event.preventDefault());
  form.append("span").text("Change the inputs:");
  for (const n of nodes.filter(n => n.op === "input")) n.value.numbers.forEach((number, i) => {
    const name = n.value.numbers.length > 1 ? `${n.symbol}[${i}]` : n.symbol;
    const label = form.append("label").text(`${name} = `);
    label.append("input").attr("type", "number").attr("step", "any").attr("name", name).property("value", number)
      .on("input", function () {
        if (!Number.isFinite(this.valueAsNumber)) return;
        n.value.numbers[i] = rounding(n)(this.valueAsNumber);
        recompute();
        changed();
      });
  });
};
