"""The function that XLA calls: it runs the stages of a program one after another, the pieces of each shared by threads (`pool`).

Offsets in XLA's structures are those of its C header, `xla/ffi/api/c_api.h`, interface 0.3; each begins with its size. XLA refuses a handler of an
interface that it does not know any more (it says that it supports one for a year at least).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

# The version of XLA's interface that the offsets below are those of.
MAJOR, MINOR = 0, 3

# Grains from which on threads share a stage: for fewer, fetching what another core has written costs what is won.
LEAST = 4

_SHARE = """
declare void @jaxtut_share(ptr, ptr, ptr, i64)
"""

_HANDLER = """
define ptr @handler(ptr %frame) {{
  %extension.at = getelementptr i8, ptr %frame, i64 8
  %extension = load ptr, ptr %extension.at
  %none = icmp eq ptr %extension, null
  br i1 %none, label %run, label %asked
asked:
  %kind.at = getelementptr i8, ptr %extension, i64 8
  %kind = load i32, ptr %kind.at
  %is.metadata = icmp eq i32 %kind, 1
  br i1 %is.metadata, label %tell, label %run
tell:
  %metadata.at = getelementptr i8, ptr %extension, i64 24
  %metadata = load ptr, ptr %metadata.at
  %major = getelementptr i8, ptr %metadata, i64 24
  store i32 {major}, ptr %major
  %minor = getelementptr i8, ptr %metadata, i64 28
  store i32 {minor}, ptr %minor
  ret ptr null
run:
  %arrays = alloca [{arrays} x ptr]
  %arguments.at = getelementptr i8, ptr %frame, i64 72
  %arguments = load ptr, ptr %arguments.at
  %results.at = getelementptr i8, ptr %frame, i64 112
  %results = load ptr, ptr %results.at
{body}
  ret ptr null
}}
"""


class Stage(NamedTuple):
    """A part of a program whose pieces may run at the same time.

    Attributes:
        function: its name; it takes the arrays and the number of a piece.
        pieces: how many there are.
        work: numbers that one piece multiplies or copies.
    """

    function: str
    pieces: int
    work: int


def text(arguments: int, results: int, stages: Sequence[Stage], grain: int) -> str:
    """Return the function `handler`, which calls the stages with the addresses of all arguments and results.

    Args:
        arguments: how many arrays it gets.
        results: how many it fills.
        stages: what it runs.
        grain: work that a thread takes at a time.
    """
    lines: list[str] = []
    for i in range(arguments + results):
        owner, position = ("arguments", i) if i < arguments else ("results", i - arguments)
        lines += [
            f"  %buffer.at.{i} = getelementptr ptr, ptr %{owner}, i64 {position}",
            f"  %buffer.{i} = load ptr, ptr %buffer.at.{i}",
            f"  %data.at.{i} = getelementptr i8, ptr %buffer.{i}, i64 24",
            f"  %data.{i} = load ptr, ptr %data.at.{i}",
            f"  %place.{i} = getelementptr ptr, ptr %arrays, i64 {i}",
            f"  store ptr %data.{i}, ptr %place.{i}",
        ]
    functions: list[str] = []
    for i, stage in enumerate(stages):
        is_little = stage.pieces * stage.work < LEAST * grain
        each = stage.pieces if is_little else max(1, min(stage.pieces, grain // max(stage.work, 1)))
        count = math.ceil(stage.pieces / each)
        each = math.ceil(stage.pieces / count)  # so that the last one is not a small one
        functions.append(_grains(stage, each, i))
        if count == 1:
            lines.append(f"  call void @grain.{i}(ptr %arrays, i64 0)")
        else:
            lines.append(f"  call void @jaxtut_share(ptr %frame, ptr @grain.{i}, ptr %arrays, i64 {count})")
    handler = _HANDLER.format(major=MAJOR, minor=MINOR, arrays=arguments + results, body="\n".join(lines))
    return _SHARE + "".join(functions) + handler


def _grains(stage: Stage, each: int, number: int) -> str:
    return f"""
define internal void @grain.{number}(ptr %arrays, i64 %grain) {{
  %first = mul i64 %grain, {each}
  %full = add i64 %first, {each}
  %over = icmp sgt i64 %full, {stage.pieces}
  %end = select i1 %over, i64 {stage.pieces}, i64 %full
  br label %next
next:
  %i = phi i64 [ %first, %0 ], [ %i.next, %next ]
  call void @{stage.function}(ptr %arrays, i64 %i)
  %i.next = add i64 %i, 1
  %more = icmp slt i64 %i.next, %end
  br i1 %more, label %next, label %done
done:
  ret void
}}
"""
