"""The look of the page, and the few lines of script that sort its table."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --text: #1c2024; --muted: #60646c; --line: #e0e1e6; --link: #0b68cb;
  --good: #18794e; --good-back: #e6f6eb; --warn: #8a5700; --warn-back: #fff4d5; --bad: #c62a2f; --bad-back: #ffefef;
  --mark: #ffd4d2; --bar: #5b8def;
  --h0: #f0f1f4; --h1: #d3e4f8; --h2: #a5c8f0; --h3: #6ba3e0; --h4: #fbc98b; --h5: #f08a4b; --h6: #d4382f; --h7: #7a1550;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #131416; --card: #1b1d20; --text: #edeef0; --muted: #a5aab2; --line: #33373d; --link: #7cb8ff;
    --good: #4cc38a; --good-back: #12291f; --warn: #f1b549; --warn-back: #302408; --bad: #ff7b74; --bad-back: #3a1719;
    --mark: #7d2a2c; --bar: #6f9df5;
    --h0: #25282d; --h1: #1f3a5c; --h2: #2a5a92; --h3: #4a8fd8; --h4: #a8641c; --h5: #e0762f; --h6: #ff5a4f; --h7: #ff9ad5;
  }
}
.ulp { --h4: #3d7cc9; --h5: #1f57a4; --h6: #0d3572; }
@media (prefers-color-scheme: dark) { .ulp { --h4: #6fb0f0; --h5: #9ccbf8; --h6: #d2e8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1.25rem 1rem 3rem; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 2.2rem 0 .7rem; font-size: 1.2rem; }
h3 { margin: 0 0 .2rem; font-size: 1rem; overflow-wrap: anywhere; } h3 small { display: block; font-weight: 400; }
p { margin: .4rem 0; max-width: 90ch; overflow-wrap: anywhere; }
a { color: var(--link); }
code, .number { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .92em; }
code { overflow-wrap: anywhere; }
small, .muted, figcaption { color: var(--muted); font-size: .85rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.verdict { border-left: .5rem solid; border-radius: .5rem; padding: 1rem 1.25rem; }
.verdict p { color: var(--text); }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.verdict.good { background: var(--good-back); } .verdict.warn { background: var(--warn-back); }
.verdict.bad { background: var(--bad-back); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem; }
.pair { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .7rem 0; }
.pair dt { color: var(--muted); } .pair dd { margin: 0; overflow-wrap: anywhere; }
.pair .number { font-size: 1.15rem; white-space: pre-wrap; }
mark { background: var(--mark); color: inherit; border-radius: 2px; }
.tags, .counts { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; margin: .3rem 0; padding: 0; }
.tags li, .counts li { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .7rem; font-size: .85rem; }
.counts li { background: var(--card); font-size: 1rem; padding: .1rem .9rem; }
.counts b { font-variant-numeric: tabular-nums; }
.filter { display: inline-block; padding: .3rem 0; margin-left: .3rem; }
#only { width: 1.1rem; height: 1.1rem; vertical-align: -.15rem; accent-color: var(--link); }
#only:checked ~ .wide tr.same { display: none; }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { white-space: nowrap; color: var(--muted); font-weight: 600; vertical-align: bottom; }
thead button { all: unset; cursor: pointer; } thead button:hover { color: var(--text); }
thead button:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 4px; }
th[aria-sort=ascending] button::after { content: " \\2191"; } th[aria-sort=descending] button::after { content: " \\2193"; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 9rem; }
.n { text-align: right; white-space: nowrap; } .shape { white-space: nowrap; }
td small { display: block; max-width: 34ch; }
.leaves { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 23rem), 1fr)); gap: 1rem; }
.where { grid-column: 1 / -1; }
figure { margin: 0; } svg { display: block; max-width: 100%; } .spark { min-width: 7rem; }
svg text { fill: var(--muted); font: 11px system-ui, sans-serif; }
.spark { fill: var(--bar); } .spark .base, .chart .grid { stroke: var(--line); fill: none; }
.chart { width: 100%; height: auto; max-width: 30rem; } .chart .bars { fill: var(--bar); }
.map { height: auto; margin: .6rem 0; }
.h0 { fill: var(--h0); background: var(--h0); } .h1 { fill: var(--h1); background: var(--h1); }
.h2 { fill: var(--h2); background: var(--h2); } .h3 { fill: var(--h3); background: var(--h3); }
.h4 { fill: var(--h4); background: var(--h4); } .h5 { fill: var(--h5); background: var(--h5); }
.h6 { fill: var(--h6); background: var(--h6); } .h7 { fill: var(--h7); background: var(--h7); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; list-style: none; margin: .4rem 0; padding: 0; font-size: .85rem; }
.legend i { display: inline-block; width: .9rem; height: .9rem; border-radius: 2px; margin-right: .35rem; vertical-align: -.1rem; }
details { margin-top: 2.5rem; } summary { cursor: pointer; font-weight: 600; } footer { margin-top: 1rem; }
@media (max-width: 44rem) {
  .pair { grid-template-columns: 1fr; gap: 0; } .pair dd { margin-bottom: .4rem; } .pair .number { font-size: 1rem; }
  body { padding: .75rem .75rem 2rem; } h1 { font-size: 1.4rem; }
  .wide { border: 0; background: none; overflow: visible; } .wide thead { display: none; }
  .wide table, .wide tbody { display: block; }
  .wide tr { display: grid; grid-template-columns: 1fr 1fr; gap: .1rem 1rem; background: var(--card);
    border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; margin-bottom: .6rem; }
  .wide th, .wide td { display: block; border: 0; padding: 0; text-align: left; white-space: normal; min-width: 0; }
  .wide tbody th, .wide .all { grid-column: 1 / -1; }
  .wide td:empty { display: none; }
  .wide td[data-is]::before { content: attr(data-is) " "; color: var(--muted); }
}
@media print { .filter, #only { display: none; } }
"""

# Without it the table stands in the order of the report, and the filter, which is CSS alone, still works.
SCRIPT = """
document.querySelectorAll("thead th").forEach((heading, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = heading.textContent;
  heading.replaceChildren(button);
  const value = row => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  };
  button.addEventListener("click", () => {
    const body = heading.closest("table").tBodies[0];
    const numbers = body.rows[0]?.cells[column].dataset.v !== undefined;
    const now = heading.getAttribute("aria-sort") || (numbers ? "ascending" : "descending");
    const up = now === "descending";
    document.querySelectorAll("thead th").forEach(other => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const before = (x, y) => x < y ? -1 : x > y ? 1 : 0;
    body.append(...[...body.rows].sort((x, y) => before(value(x), value(y)) * (up ? 1 : -1)));
  });
});
"""
