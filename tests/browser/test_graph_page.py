"""The page of a graph in a real browser: it steps, computes again, folds, is silent, and asks nobody for anything."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxtut import graph
from jaxtut.parity.graphs import lesson_graph

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with playwright.sync_playwright() as p:
        # Where tests run as root, as they do in containers, Chromium has no sandbox.
        started = p.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open a graph's page; afterwards nothing may have been said on the console or asked of the network."""
    heard: list[str] = []
    contexts = []

    def open_page(traced: graph.Graph, width: int = 1280, height: int = 800, **options: Any) -> Any:
        path = tmp_path / "page.html"
        path.write_text(traced.to_html("a title"), encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        shown = context.new_page()
        shown.on("console", lambda message: heard.append(message.text))
        shown.on("pageerror", lambda error: heard.append(str(error)))
        shown.on("request", lambda r: r.url.startswith(("file:", "data:")) or heard.append(r.url))
        shown.goto(path.as_uri())
        return shown

    yield open_page
    for context in contexts:
        context.close()
    assert heard == []


def _says(shown: Any) -> str:
    return shown.inner_text("#says")


def _node(shown: Any, text: str) -> Any:
    return shown.locator("g.node", has_text=text).first


def test_the_three_passes_of_the_notes(opened: Open) -> None:
    shown = opened(lesson_graph("backprop"))
    assert shown.title() == "a title"
    assert _says(shown) == "Forward pass: x = 1, an input"
    said = []
    for _ in range(14):
        shown.keyboard.press("ArrowRight")
        said.append(_says(shown))
    assert "Forward pass: ŷ = w · x = 1 · 1 = 1" in said
    assert "Forward pass: s = ŷ − y = 1 − 2 = -1" in said
    assert "Local gradients: ∂loss/∂s = 2 · s = -2" in said
    assert said[8] == "Backward pass: ∂loss/∂loss = 1, where the backward pass begins"
    assert "Backward pass: ∂loss/∂s = ∂loss/∂loss · ∂loss/∂s = 1 · (-2) = -2" in said
    assert "Backward pass: ∂loss/∂w = ∂loss/∂ŷ · ∂ŷ/∂w = -2 · 1 = -2" in said
    shown.keyboard.press("ArrowRight")
    assert _says(shown) == said[-1]
    shown.keyboard.press("Home")
    assert _says(shown).startswith("Forward pass: x")


def test_gradients_appear_as_the_backward_pass_reaches_them(opened: Open) -> None:
    shown = opened(lesson_graph("backprop"))
    assert "grad" not in _node(shown, "ŷ").text_content()
    shown.click("#phases [data-phase='2']")
    assert "grad" not in _node(shown, "ŷ").text_content()
    shown.click("#last")
    assert "grad -2" in _node(shown, "ŷ").text_content()


@pytest.mark.parametrize("lesson", ["backprop", "chain_rule"])
def test_changed_inputs_are_computed_again_as_jax_does(opened: Open, lesson: str) -> None:
    from jaxtut import backprop, chain_rule

    shown = opened(lesson_graph(lesson))
    shown.keyboard.press("End")
    fields = shown.locator("#inputs input")
    numbers = [0.7, -1.3, 2.9][: fields.count()]
    for i, x in enumerate(numbers):
        fields.nth(i).fill(str(x))
    if lesson == "backprop":
        expected = graph.trace(backprop.loss, *(np.float32(x) for x in numbers))
    else:
        expected = graph.trace(lambda x: chain_rule.forward(x).L, np.array(numbers, np.float32))
    found = shown.evaluate("nodes.map(n => [n.value.numbers, n.gradient.numbers])")
    for node, (value, gradient) in zip(expected.nodes, found, strict=True):
        # Both compute in float32, perhaps in another order.
        np.testing.assert_allclose(value, np.ravel(node.value), rtol=1e-6)
        np.testing.assert_allclose(gradient, np.ravel(node.gradient), rtol=1e-5)


def test_a_program_of_every_live_operation(opened: Open) -> None:
    def f(x: Any, y: Any) -> Any:
        a = jnp.exp(-x) + jnp.sin(x) * jnp.cos(y) - jnp.tanh(x) / y
        b = jnp.log(y) + jnp.sqrt(y) + jnp.maximum(x, y) * jnp.minimum(x, y) + jnp.abs(x) ** 3
        return jnp.sum(a * b) + jnp.sum(x * x)

    x, y = np.array([0.4, -1.2], np.float32), np.array([0.9, 2.1], np.float32)
    traced = graph.trace(f, x, y)
    shown = opened(traced)
    shown.evaluate("recompute()")
    found = shown.evaluate("nodes.map(n => [n.value.numbers, n.gradient.numbers])")
    for node, (value, gradient) in zip(traced.nodes, found, strict=True):
        np.testing.assert_allclose(value, np.ravel(node.value), rtol=1e-5)
        np.testing.assert_allclose(gradient, np.ravel(node.gradient), rtol=1e-4, atol=1e-5)


def test_groups_fold_and_open(opened: Open) -> None:
    shown = opened(lesson_graph("losses"))
    count = shown.locator("g.node").count
    shown.keyboard.press("f")
    folded = count()
    shown.keyboard.press("o")
    assert count() > folded
    shown.keyboard.press("f")
    assert count() == folded
    group = shown.locator("g.node.group").first
    group.focus()
    shown.keyboard.press("Enter")
    assert count() > folded
    shown.locator("g.cluster text").first.click()
    assert count() == folded


def test_the_panel_shows_formula_numbers_and_source(opened: Open) -> None:
    shown = opened(lesson_graph("backprop"))
    shown.keyboard.press("End")
    _node(shown, "loss").hover()
    text = shown.inner_text("#panel")
    assert "loss = s²" in text
    assert "backprop.py:" in text
    assert "= 2 · s" in text
    _node(shown, "ŷ").focus()
    assert "ŷ = w · x" in shown.inner_text("#panel")


def test_large_arrays_are_heat_maps(opened: Open) -> None:
    shown = opened(graph.trace(lambda w: jnp.sum(w * w), np.random.default_rng(0).normal(size=(40, 50)).astype("f")))
    _node(shown, "w").hover()
    assert shown.locator("#panel canvas").count() == 2
    drawn = "[...document.querySelector('#panel canvas').getContext('2d').getImageData(0, 0, 50, 50).data]"
    assert len(set(shown.evaluate(drawn))) > 20


@pytest.mark.parametrize("colour", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 740), (1280, 800)])
def test_small_screens_and_both_schemes(opened: Open, width: int, height: int, colour: str) -> None:
    shown = opened(lesson_graph("chain_rule"), width, height, color_scheme=colour)
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert shown.locator("#next").is_visible()
    shown.click("#next")
    text, back = shown.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    dark = sum(map(int, back[4:-1].split(","))) < sum(map(int, text[4:-1].split(",")))
    assert dark == (colour == "dark")


def test_it_plays(opened: Open) -> None:
    shown = opened(lesson_graph("backprop"))
    shown.keyboard.press(" ")
    shown.wait_for_function("state.step >= 2", timeout=10_000)
    shown.keyboard.press(" ")
    assert shown.inner_text("#play") == "▶▶"


def test_five_hundred_nodes(opened: Open) -> None:
    def block(x: Any) -> Any:
        a = jnp.sin(x) * jnp.cos(x)
        return a / (1.0 + a * a) + 0.5 * x

    def f(x: Any) -> Any:
        for _ in range(50):
            x = block(x)
        return jnp.sum(x)

    traced = graph.trace(f, np.ones(3, np.float32))
    assert len(traced.nodes) >= 500
    shown = opened(traced)
    assert shown.locator("g.node").count() < 100
    shown.keyboard.press("o")
    took = shown.evaluate("(() => { const t = performance.now(); rebuild(); return performance.now() - t; })()")
    step = shown.evaluate(
        "(() => { const t = performance.now(); go(state.step + 1); return performance.now() - t; })()"
    )
    # Milliseconds on a busy machine; a fifth of it where nothing else runs.
    assert took < 8000
    assert step < 1000
