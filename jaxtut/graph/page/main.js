// What the reader does, and what follows.
"use strict";

let seen, steps, timer = null, looked = null;
const id = name => document.getElementById(name);

const act = {
  choose: item => { state.chosen = state.chosen === item.key ? null : item.key; refresh(); },
  look: item => { looked = item; showItem(item ?? chosenItem(), act); },
  toggle: item => { if (item.fold !== null) { state.open.add(item.fold); rebuild(); } else { state.chosen = item.key; refresh(); } },
  fold: group => { state.open.delete(group); rebuild(); },
};

const chosenItem = () => seen.items.find(item => item.key === state.chosen) ?? steps[state.step]?.item ?? null;

const refresh = () => {
  const step = steps[state.step];
  paint(seen, steps);
  showItem(looked ?? chosenItem(), act);
  id("says").textContent = step ? `${PHASES[step.phase]}: ${say(step, seen)}` : "";
  id("says").className = step ? `p${step.phase}` : "";
  id("at").max = steps.length - 1;
  id("at").value = state.step;
  id("count").textContent = `${state.step + 1} of ${steps.length}`;
  document.querySelectorAll("#phases button").forEach(b => {
    if (step && Number(b.dataset.phase) === step.phase) b.setAttribute("aria-current", "step"); else b.removeAttribute("aria-current");
  });
  if (step) reveal(step.item);
};

// Fold or open: the same step stays, if it is still to be seen.
const rebuild = () => {
  const before = steps?.[state.step];
  looked = null;
  seen = view();
  steps = stepsOf(seen);
  draw(seen, act);
  if (before) {
    const key = seen.place.get(before.item.shown.id);
    const found = steps.findIndex(s => s.phase === before.phase && s.item.key === key);
    state.step = found >= 0 ? found : Math.min(state.step, steps.length - 1);
  }
  fit();
  refresh();
};

const go = step => { state.step = Math.max(0, Math.min(steps.length - 1, step)); state.chosen = null; looked = null; refresh(); };

const play = () => {
  if (timer) { clearInterval(timer); timer = null; }
  else {
    if (state.step >= steps.length - 1) go(0);
    timer = setInterval(() => { if (state.step < steps.length - 1) go(state.step + 1); else play(); }, 900);
  }
  id("play").textContent = timer ? "❚❚" : "▶▶";
};

const foldAll = () => { state.open.clear(); rebuild(); };
const openAll = () => { state.open = new Set(foldable); rebuild(); };

const KEYS = {
  ArrowRight: () => go(state.step + 1), ArrowLeft: () => go(state.step - 1), Home: () => go(0), End: () => go(steps.length - 1),
  " ": play, f: foldAll, o: openAll, 0: fit,
};

const start = () => {
  document.title = data.title;
  id("title").textContent = data.title;
  const clicks = { first: KEYS.Home, last: KEYS.End, next: KEYS.ArrowRight, previous: KEYS.ArrowLeft, play, fold: foldAll, unfold: openAll, fit };
  for (const [name, action] of Object.entries(clicks)) id(name).addEventListener("click", action);
  id("at").addEventListener("input", event => go(Number(event.target.value)));
  id("constants").checked = state.constants;
  id("constants").addEventListener("change", event => { state.constants = event.target.checked; rebuild(); });
  if (!nodes.some(n => n.op === "constant")) id("constants").closest("label").hidden = true;
  if (!foldable.length) id("fold").hidden = id("unfold").hidden = true;
  document.querySelectorAll("#phases button").forEach(b => b.addEventListener("click", () => go(steps.findIndex(s => s.phase === Number(b.dataset.phase)))));
  document.addEventListener("keydown", event => {
    const action = KEYS[event.key], typing = event.target.closest("input, textarea"), pressed = event.key === " " && event.target.closest("button");
    if (!action || typing || pressed || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", refresh);
  addEventListener("resize", rebuild);
  showInputs(rebuild);
  openSome(30);
  rebuild();
};

start();
