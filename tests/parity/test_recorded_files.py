"""A recorded file is believed only if it is whole: one that is cut off, damaged, foreign or forged is refused, and never passes."""

import copy
import json
import pickle
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from safetensors.numpy import save

from jaxtut.naming import tap
from jaxtut.parity import RecordingError, judge_files, record
from jaxtut.parity import recorded_files as files
from torch_ref.naming import tap as torch_tap

RNG = np.random.default_rng(0)
X, W, N = RNG.standard_normal((4, 3)), RNG.standard_normal((3, 2)), np.array([0, 1, 1, 0])


def jax_side(x, w, n):
    hidden = tap("hidden", jnp.tanh(x @ w))
    return {"loss": jnp.sum(hidden), "picked": hidden[jnp.arange(4), n]}


def torch_side(x, w, n):
    hidden = torch_tap("hidden", torch.tanh(x @ w))
    return {"loss": hidden.sum(), "picked": hidden[torch.arange(4), n]}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for name, function in (("jax", jax_side), ("torch", torch_side)):
        record(function, X, W, N, path=folder / name, framework=name, cotangents=2)
    assert judge_files(folder / "jax", folder / "torch").same
    return folder


def refused(data, whole, tmp_path):
    """Both readings of a damaged file end in a refusal."""
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises((RecordingError, OSError)) as found:
        judge_files(tmp_path / "damaged", whole / "torch")
    with pytest.raises((RecordingError, OSError)):
        judge_files(whole / "torch", tmp_path / "damaged")
    return str(found.value)


def test_a_file_that_is_cut_off_is_refused(whole, tmp_path):
    data = (whole / "jax").read_bytes()
    for length in {0, 1, 7, 8, 9, len(data) - 1, *np.linspace(10, len(data) - 2, 60, dtype=int)}:
        refused(data[:length], whole, tmp_path)
    for more in (b"\0", b" ", data):
        refused(data + more, whole, tmp_path)


def test_a_single_changed_byte_is_refused_wherever_it_stands(whole, tmp_path):
    data = (whole / "jax").read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    generator = np.random.default_rng(0)
    places = [*range(8), *generator.integers(8, header, 400), *generator.integers(header, len(data), 100)]
    for place in places:
        changed = bytearray(data)
        changed[place] ^= int(generator.integers(1, 256))
        refused(bytes(changed), whole, tmp_path)


def test_no_byte_of_the_description_is_without_meaning(whole, tmp_path):
    # What a flip would not break, if the text alone were checked: the mode, a flag, a space at the end of the header.
    data = (whole / "jax").read_bytes()
    for old, new in (
        (b'\\"mode\\": \\"jit\\"', b'\\"mode\\": \\"jat\\"'),
        (b'\\"impure\\": false', b'\\"impurf\\": false'),
        (b'\\"unused\\": []', b'\\"unused\\":\t[]'),
        (b'"checksum"', b'"checkSum"'),
        (b'"version":"1"', b'"version":"2"'),
        (b'"format":"jaxtut', b'"format":"jextut'),
    ):
        assert data.count(old) == 1
        refused(data.replace(old, new), whole, tmp_path)


def test_what_is_no_recording_is_refused(whole, tmp_path):
    foreign = save({"x": X})
    assert "no recording of `jaxtut record`" in refused(foreign, whole, tmp_path)
    assert "no recording" in refused(save({"x": X}, {"format": "pt"}), whole, tmp_path)
    nested = b"[" * 100_000 + b"]" * 100_000
    for data in (
        pickle.dumps({"x": 1}), b"", b"\0" * 100, nested, len(nested).to_bytes(8, "little") + nested, b"\xff" * 64,
        (2).to_bytes(8, "little") + b"{}", (4).to_bytes(8, "little") + b"null", json.dumps({"a": 1}).encode(),
        (22).to_bytes(8, "little") + b'{"__metadata__": "abc"}',
    ):  # fmt: skip
        refused(data, whole, tmp_path)
    with pytest.raises(RecordingError, match="a folder"):
        judge_files(tmp_path, whole / "torch")
    with pytest.raises(RecordingError, match="there is no such file"):
        judge_files(whole / "jax", tmp_path / "nothing")


def test_another_version_is_named(whole, tmp_path, monkeypatch):
    recording = files.read(whole / "jax")
    with monkeypatch.context() as patched:
        patched.setattr(files, "VERSION", 7)
        files.write(tmp_path / "newer", recording)
    with pytest.raises(RecordingError, match="of version 7; this jaxtut reads version 1"):
        judge_files(tmp_path / "newer", whole / "torch")


def forged(recording, tmp_path):
    """Write what `write` would not, with a checksum that is right."""
    (tmp_path / "forged").write_bytes(files.pack(recording))
    return tmp_path / "forged"


FACTS = {
    "name": ["Jax", None, 3, ["JAX"], {}],
    "mode": ["", None, "fast", []],
    "seed": [None, -1, 1.0, True, "0", [0]],
    "cotangents": [0, 2.0, True, 3, None, 10**400],
    "inputs": [None, [], ["x"], ["x", "w", "w"], [1, 2, 3], ["x", "w", ["n"]], {"x": 0, "w": 0, "n": 0}],
    "differentiated": [["x"], ["x", "w", "n"], ["x", "w", "z"], [["x"], "w"], "xw", None],
    "buffers": [["z"], 3, [None]],
    "unused": [["n"], ["z"], [[]]],
    "static": [None, {}, [1, 2, 3], "abc"],
    "lowered": [None, "", [1], {"a": 1}],
    "refused": [None, 0, [], "it can", float("nan")],
    "impure": [0, None, "false"],
    "notes": [None, [None], "a"],
    "untapped": [None, 1],
    "versions": [None, {"jax": 1}, []],
}


@pytest.mark.parametrize("name", FACTS)
def test_facts_of_another_type_are_refused(name, whole, tmp_path):
    recording = files.read(whole / "jax")
    for value in FACTS[name]:
        refused(files.pack(replace(recording, facts=recording.facts | {name: value})), whole, tmp_path)
    without = {key: value for key, value in recording.facts.items() if key != name}
    refused(files.pack(replace(recording, facts=without)), whole, tmp_path)


ORDERS = ([], None, {"exact": 3}, {"exact": [["value"]]}, {"exact": [["value", "loss"]]}, {"exact": [[1, []]]})


def test_descriptions_of_another_form_are_refused(whole, tmp_path, monkeypatch):
    recording = files.read(whole / "jax")
    whole_text = json.dumps
    texts = ["", "null", "[]", "3", "{}", '"facts"', "[" * 100_000, '{"a":' * 100_000, '{"order": 1e999}', "{"]
    bits = [{"exact/value/loss": dtype} for dtype in ("bfloat16", "complex128", "float99", 3, [])]
    for changes in (*({"order": order} for order in ORDERS), {"bits": []}, *({"bits": each} for each in bits)):
        texts.append(whole_text({**json.loads(_facts(whole)), **changes}))
    for text in texts:
        with monkeypatch.context() as patched:
            patched.setattr(files.json, "dumps", lambda facts, text=text: text)
            data = files.pack(recording)
        refused(data, whole, tmp_path)


def _facts(whole):
    data = (whole / "jax").read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["facts"]


def changed(recording, group, key, x):
    groups = copy.deepcopy(recording.groups)
    groups[group][key] = x
    return replace(recording, groups=groups)


@pytest.mark.parametrize("group", ["near", "far", "operations", "most", "least", "taps/near", "taps/most"])
def test_noise_that_is_no_noise_is_refused(group, whole, tmp_path):
    recording = files.read(whole / "jax")
    key, x = next(item for item in recording.groups[group].items() if item[1].dtype == np.float64)
    spread = group.endswith(("most", "least"))  # may be infinite, where moved inputs overflow
    for bad in (-1.0, -np.inf) if spread else (-1.0, -1e-300, np.nan, np.inf, -np.inf):
        one = x.copy()
        one.flat[-1] = bad
        words = refused(files.pack(changed(recording, group, key, one)), whole, tmp_path)
        assert f"the noise of {key[0]} {key[1]} is negative or no number" in words
    for other in (x.astype(bool), x[..., None], x.astype(int)):
        refused(files.pack(changed(recording, group, key, other)), whole, tmp_path)


def test_every_run_has_every_result_in_its_shape(whole, tmp_path):
    recording = files.read(whole / "jax")
    for group, quantities in recording.groups.items():
        if not quantities:
            continue
        key = next(iter(quantities))
        without = {k: x for k, x in quantities.items() if k != key}
        if len(quantities) > 1:
            refused(files.pack(replace(recording, groups=recording.groups | {group: without})), whole, tmp_path)
        for other in (quantities[key][None], quantities[key].astype(np.int8), quantities[key].astype(np.complex128)):
            refused(files.pack(changed(recording, group, key, other)), whole, tmp_path)
        refused(files.pack(changed(recording, group, ("value", "more"), X)), whole, tmp_path)
        refused(files.pack(changed(recording, group, ("hvp", "x"), X)), whole, tmp_path)
    for lost in ("single0", "exact", "taps/single0", "taps/exact"):
        kept = {name: group for name, group in recording.groups.items() if name != lost}
        refused(files.pack(replace(recording, groups=kept)), whole, tmp_path)
    more = recording.groups | {"single9": recording.groups["single0"]}
    assert "no group of results called single9" in refused(files.pack(replace(recording, groups=more)), whole, tmp_path)


def test_a_gradient_that_is_missing_everywhere_is_missed(whole, tmp_path):
    recording = files.read(whole / "jax")
    without = {
        name: {key: x for key, x in group.items() if key != ("gradient", "w")}
        for name, group in recording.groups.items()
    }
    words = refused(files.pack(replace(recording, groups=without)), whole, tmp_path)
    assert "the gradient of w is missing" in words


def test_other_inputs_and_cotangents_are_refused(whole, tmp_path):
    recording = files.read(whole / "jax")
    moved = recording.inputs | {"x": recording.inputs["x"] + np.float32(1)}
    assert "other numbers in the input x" in refused(files.pack(replace(recording, inputs=moved)), whole, tmp_path)
    drawn = recording.drawn | {"picked": -recording.drawn["picked"]}
    assert "other cotangents" in refused(files.pack(replace(recording, drawn=drawn)), whole, tmp_path)
    for drawn in ({}, recording.drawn | {"more": X}, recording.drawn | {"picked": recording.drawn["picked"][:1]}):
        assert "cotangents are not those" in refused(files.pack(replace(recording, drawn=drawn)), whole, tmp_path)


def test_what_is_lost_is_never_taken_for_the_same(whole, tmp_path):
    """Noise that was not measured may be left out; what is then judged is judged without it, and without an error."""
    recording = files.read(whole / "jax")
    for lost in ("near", "far", "operations", "most", "least", "beside", "single3", "taps/"):
        kept = {name: group for name, group in recording.groups.items() if not name.startswith(lost)}
        report = judge_files(forged(replace(recording, groups=kept), tmp_path), whole / "torch")
        assert report.rows
        wrong = {
            name: {k: x * 2 if k == ("value", "loss") else x for k, x in group.items()} for name, group in kept.items()
        }
        assert not judge_files(forged(replace(recording, groups=wrong), tmp_path), whole / "torch").same


def test_arrays_of_every_kind_come_back_as_they_were(whole, tmp_path):
    recording = files.read(whole / "jax")
    kinds = {
        "transposed": np.arange(6.0).reshape(2, 3).T,
        "every other": np.arange(12)[::2],
        "backwards": np.arange(5, dtype=np.int16)[::-1],
        "Fortran": np.asfortranarray(RNG.standard_normal((3, 4, 2))),
        "scalar": np.array(3.5),
        "flag": np.array(True),
        "empty": np.zeros((0, 3), np.float32),
        "big-endian": np.arange(4, dtype=">i4"),
        "complex": RNG.standard_normal((2, 2)) + 1j,
        "complex scalar": np.array(1 - 2j),
        "complex64": np.array([1j], np.complex64),
        "bfloat16": np.asarray(jnp.asarray([1.0, -0.0, jnp.nan], jnp.bfloat16)),
        "special": np.array([np.nan, np.inf, -np.inf, -0.0, 5e-324]),
        "half": np.array([0.1], np.float16),
        "unsigned": np.array([2**64 - 1], np.uint64),
        'a/b/c é ∂ " \\ ': np.ones(2),
        "": np.ones(1),
    }
    names = [*recording.facts["inputs"], *kinds]
    facts = recording.facts | {"inputs": names, "static": [None] * len(names)}
    files.write(tmp_path / "kinds", replace(recording, facts=facts, inputs=recording.inputs | kinds))
    back = files.read(tmp_path / "kinds")
    assert back.facts == facts
    for name, x in kinds.items():
        assert back.inputs[name].shape == x.shape
        assert back.inputs[name].dtype == x.dtype.newbyteorder("=")
        assert back.inputs[name].tobytes() == x.astype(x.dtype.newbyteorder("=")).tobytes()
    for name, group in recording.groups.items():
        assert list(back.groups[name]) == list(group)


@pytest.mark.parametrize("fails", ["write_bytes", "replace"])
def test_an_interrupted_write_leaves_the_old_file_whole(fails, whole, tmp_path, monkeypatch):
    recording, path = files.read(whole / "jax"), tmp_path / "kept"
    files.write(path, recording)
    before = path.read_bytes()

    def interrupted(self, *given):
        if fails == "write_bytes":
            with self.open("wb") as file:
                file.write(given[0][:100])
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(files.Path, fails, interrupted)
        with pytest.raises(KeyboardInterrupt):
            files.write(path, replace(recording, facts=recording.facts | {"seed": 5}))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    files.write(path, replace(recording, facts=recording.facts | {"seed": 5}))
    assert files.read(path).facts["seed"] == 5


def test_what_no_verdict_can_be_built_on_is_not_written(whole, tmp_path):
    recording = files.read(whole / "jax")
    with pytest.raises(ValueError, match="no float32 results"):
        files.write(tmp_path / "empty", replace(recording, groups={}))
    with pytest.raises(OSError, match="directory"):
        files.write(tmp_path, recording)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"directory|exists"):
        files.write(tmp_path / "file" / "deeper", recording)
    files.write(tmp_path / "new" / "folder" / ("n" * 250), recording)
    assert not (tmp_path / "empty").exists()


def test_sixteen_bit_results_are_said_not_to_be_recorded(whole):
    with pytest.raises(RecordingError, match="bfloat16 results are not recorded"):
        files.read(whole / "jax").low("bfloat16")
