"""The function that XLA calls: it runs the stages of a program one after another, the parts of each on XLA's threads.

Offsets in XLA's structures are those of its C header, `xla/ffi/api/c_api.h`, interface 0.3; each begins with its size. XLA refuses a handler of an
interface that it does not know any more (it says that it supports one for a year at least).
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

# The version of XLA's interface that the offsets below are those of.
MAJOR, MINOR = 0, 3

# A job lives on the heap until the last helper has left it, since a helper may come when all is done. What threads change lies in cache lines
# of its own. The caller takes part, and does not wait for a helper that has not begun: no thread is waited for that has no thread to run on.
_PARALLEL = """
declare ptr @malloc(i64)
declare void @free(ptr)
declare i32 @sched_yield()

%job = type { ptr, ptr, i64, [13 x i64], i64, [7 x i64], i64, [7 x i64], i64 }

define internal void @work(ptr %job) {
  %stage = load ptr, ptr %job
  %arrays.at = getelementptr %job, ptr %job, i64 0, i32 1
  %arrays = load ptr, ptr %arrays.at
  %count.at = getelementptr %job, ptr %job, i64 0, i32 2
  %count = load i64, ptr %count.at
  %next = getelementptr %job, ptr %job, i64 0, i32 4
  %done = getelementptr %job, ptr %job, i64 0, i32 6
  br label %take
take:
  %i = atomicrmw add ptr %next, i64 1 monotonic
  %some = icmp slt i64 %i, %count
  br i1 %some, label %do, label %end
do:
  call void %stage(ptr %arrays, i64 %i)
  %old = atomicrmw add ptr %done, i64 1 release
  br label %take
end:
  ret void
}

define internal void @leave(ptr %job) {
  %present = getelementptr %job, ptr %job, i64 0, i32 8
  %old = atomicrmw sub ptr %present, i64 1 acq_rel
  %last = icmp eq i64 %old, 1
  br i1 %last, label %remove, label %end
remove:
  call void @free(ptr %job)
  br label %end
end:
  ret void
}

define internal void @help(ptr %job) {
  call void @work(ptr %job)
  call void @leave(ptr %job)
  ret void
}

define internal void @forget(ptr %api, ptr %error) {
  %none = icmp eq ptr %error, null
  br i1 %none, label %end, label %destroy
destroy:
  %ask = alloca { i64, ptr, ptr }
  store { i64, ptr, ptr } { i64 24, ptr null, ptr null }, ptr %ask
  %ask.error = getelementptr i8, ptr %ask, i64 16
  store ptr %error, ptr %ask.error
  %destroy.at = getelementptr i8, ptr %api, i64 64
  %destroyer = load ptr, ptr %destroy.at
  call void %destroyer(ptr %ask)
  br label %end
end:
  ret void
}

define internal void @parallel(ptr %frame, ptr %stage, ptr %arrays, i64 %count) {
  %api.at = getelementptr i8, ptr %frame, i64 16
  %api = load ptr, ptr %api.at
  %context.at = getelementptr i8, ptr %frame, i64 24
  %context = load ptr, ptr %context.at
  %threads = alloca i64
  store i64 1, ptr %threads
  %ask = alloca { i64, ptr, ptr, ptr }
  store { i64, ptr, ptr, ptr } { i64 32, ptr null, ptr null, ptr null }, ptr %ask
  %ask.context = getelementptr i8, ptr %ask, i64 16
  store ptr %context, ptr %ask.context
  %ask.threads = getelementptr i8, ptr %ask, i64 24
  store ptr %threads, ptr %ask.threads
  %number.at = getelementptr i8, ptr %api, i64 144
  %number = load ptr, ptr %number.at
  %refused = call ptr %number(ptr %ask)
  call void @forget(ptr %api, ptr %refused)
  %known = load i64, ptr %threads
  %others = sub i64 %known, 1
  %most = sub i64 %count, 1
  %fewer = icmp slt i64 %others, %most
  %helpers = select i1 %fewer, i64 %others, i64 %most
  %alone = icmp slt i64 %helpers, 1
  br i1 %alone, label %serial, label %share
serial:
  %s = phi i64 [ 0, %0 ], [ 0, %share ], [ %s.next, %serial ]
  call void %stage(ptr %arrays, i64 %s)
  %s.next = add i64 %s, 1
  %s.more = icmp slt i64 %s.next, %count
  br i1 %s.more, label %serial, label %end
share:
  %job = call ptr @malloc(i64 320)
  %no.room = icmp eq ptr %job, null
  br i1 %no.room, label %serial, label %prepare
prepare:
  store ptr %stage, ptr %job
  %arrays.at = getelementptr %job, ptr %job, i64 0, i32 1
  store ptr %arrays, ptr %arrays.at
  %count.at = getelementptr %job, ptr %job, i64 0, i32 2
  store i64 %count, ptr %count.at
  %next = getelementptr %job, ptr %job, i64 0, i32 4
  store i64 0, ptr %next
  %done = getelementptr %job, ptr %job, i64 0, i32 6
  store i64 0, ptr %done
  %present = getelementptr %job, ptr %job, i64 0, i32 8
  %all = add i64 %helpers, 1
  store i64 %all, ptr %present
  %call = alloca { i64, ptr, ptr, ptr, ptr }
  store { i64, ptr, ptr, ptr, ptr } { i64 40, ptr null, ptr null, ptr @help, ptr null }, ptr %call
  %call.context = getelementptr i8, ptr %call, i64 16
  store ptr %context, ptr %call.context
  %call.job = getelementptr i8, ptr %call, i64 32
  store ptr %job, ptr %call.job
  %schedule.at = getelementptr i8, ptr %api, i64 136
  %schedule = load ptr, ptr %schedule.at
  br label %invite
invite:
  %h = phi i64 [ 0, %prepare ], [ %h.next, %invited ]
  %failed = call ptr %schedule(ptr %call)
  %ok = icmp eq ptr %failed, null
  br i1 %ok, label %invited, label %missing
missing:
  call void @forget(ptr %api, ptr %failed)
  call void @leave(ptr %job)
  br label %invited
invited:
  %h.next = add i64 %h, 1
  %h.more = icmp slt i64 %h.next, %helpers
  br i1 %h.more, label %invite, label %begin
begin:
  call void @work(ptr %job)
  br label %check
check:
  %finished = load atomic i64, ptr %done acquire, align 8
  %waiting = icmp slt i64 %finished, %count
  br i1 %waiting, label %wait, label %finish
wait:
  %ignored = call i32 @sched_yield()
  br label %check
finish:
  call void @leave(ptr %job)
  br label %end
end:
  ret void
}
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
        each = max(1, min(stage.pieces, grain // max(stage.work, 1)))
        count = math.ceil(stage.pieces / each)
        each = math.ceil(stage.pieces / count)  # so that the last one is not a small one
        functions.append(_grains(stage, each, i))
        if count == 1:
            lines.append(f"  call void @grain.{i}(ptr %arrays, i64 0)")
        else:
            lines.append(f"  call void @parallel(ptr %frame, ptr @grain.{i}, ptr %arrays, i64 {count})")
    handler = _HANDLER.format(major=MAJOR, minor=MINOR, arrays=arguments + results, body="\n".join(lines))
    return _PARALLEL + "".join(functions) + handler


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
