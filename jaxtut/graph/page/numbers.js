// Numbers and arrays, written and drawn.
"use strict";

const write = x => typeof x === "string" ? x : Number.isInteger(x) ? String(x) : String(Number(x.toPrecision(6)));

const isNumber = a => a && a.numbers && a.shape.length === 0;

// An array in a few words: as the table in the terminal has it.
const words = (a, most = 26) => {
  if (!a) return "none";
  const text = a.numbers && a.numbers.length <= 9 ? nested(a.numbers.map(write), a.shape) : a.text;
  const norm = a.norm ?? (a.numbers && Number(Math.hypot(...a.numbers).toPrecision(3)));
  return text.length > most ? `${a.shape.join("×")}${norm === undefined ? "" : `, ‖·‖ ${write(norm)}`}` : text;
};

const nested = (flat, shape) => {
  if (!shape.length) return flat[0];
  const size = flat.length / shape[0] || 0;
  const parts = d3.range(shape[0]).map(i => nested(flat.slice(i * size, (i + 1) * size), shape.slice(1)));
  return `[${parts.join(", ")}]`;
};

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Rows of numbers: small ones as a table, larger ones as a heat map.
const rowsOf = (flat, shape) => {
  const width = shape.length ? shape[shape.length - 1] : 1;
  return width ? d3.range(flat.length / width).map(i => flat.slice(i * width, (i + 1) * width)) : [];
};

const showArray = (parent, a, about) => {
  if (!a) { parent.append("p").attr("class", "muted").text("none: not differentiable"); return; }
  const dtype = a.dtype ? `${a.dtype} ` : "";
  parent.append("p").attr("class", "muted").text(`${dtype}${a.shape.length ? a.shape.join("×") : "scalar"}`);
  const shape = a.rows ? [a.rows.reduce((x, y) => x * y, 1), a.columns.reduce((x, y) => x * y, 1)] : a.shape;
  const cells = a.cells || (a.numbers && rowsOf(a.numbers, shape));
  if (!cells) { parent.append("code").text(a.text); return; }
  const few = a.numbers && a.numbers.length <= 64 && (cells[0] || []).length <= 10;
  if (few) showTable(parent, cells); else showHeat(parent, cells, about);
  if (a.norm !== undefined) parent.append("p").attr("class", "muted").text(`norm ${write(a.norm)}; each cell is the number of its block that is farthest from 0`);
};

const showTable = (parent, cells) => {
  const rows = parent.append("table").attr("class", "array").append("tbody").selectAll("tr").data(cells).join("tr");
  rows.selectAll("td").data(row => row).join("td").text(write);
};

const showHeat = (parent, cells, about) => {
  const known = cells.flat().filter(x => typeof x === "number");
  const most = d3.max(known, Math.abs) || 1;
  const scale = d3.scaleLinear([-most, 0, most], [colour("--low"), colour("--mid"), colour("--high")]);
  const side = Math.max(3, Math.min(16, Math.floor(320 / cells[0].length)));
  const canvas = parent.append("canvas").attr("role", "img").attr("aria-label", `heat map of ${about}`)
    .attr("width", cells[0].length * side).attr("height", cells.length * side);
  const pen = canvas.node().getContext("2d");
  cells.forEach((row, y) => row.forEach((x, i) => {
    pen.fillStyle = typeof x === "number" ? scale(x) : "#808080";
    pen.fillRect(i * side, y * side, side, side);
  }));
  const read = parent.append("p").attr("class", "scale");
  read.append("span").text(write(-most)); read.append("i"); read.append("span").text(write(most));
  const under = read.append("span");
  canvas.on("mousemove", event => {
    const [x, y] = d3.pointer(event).map(v => Math.floor(v / side));
    if (cells[y] && cells[y][x] !== undefined) under.text(`row ${y}, column ${x}: ${write(cells[y][x])}`);
  });
};
