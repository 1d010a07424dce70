"""The threads that share the pieces of a stage: the one that calls, threads of our own, and XLA's.

XLA's threads sleep soon after they have nothing to do, and to wake one takes as long as many a program runs (`dispatch`). Ours look for
work for `LOOKING` first, as PyTorch's do, and give way to any other thread that wants their core. So in a loop of calls, which training is,
they are there when they are needed. But inside a program, XLA's may be awake, looking for work of their own, and have the cores. So where
nobody comes in time, the others are asked, for this job and those that follow. Threads of our own need Linux; elsewhere XLA's are asked.

Whoever helps begins with the part of the pieces that belongs to its core, the same one in every job, and finds again in its cache what was
written there; then it takes what is left of the others.

A job stands in a slot, which is used again when nobody is in it any more: who calls waits for pieces that others work on, but for no thread that has
yet to begin or to leave. Who helps first goes in, and then sees whether the slot is open; the caller first closes it, and sees later whether
somebody is in. Both are sequentially consistent, so nobody is in an old job when its slot is filled anew.

Offsets in XLA's structures are those of its C header, `xla/ffi/api/c_api.h`, interface 0.3 (`runtime`); each begins with its size.
"""

import ctypes
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# How long a thread looks for work before it sleeps, in nanoseconds.
LOOKING = 200_000
# After so many nanoseconds without help the other threads are asked, ours or XLA's.
HOPING = 10_000
# Jobs at a time, of several callers or with somebody on the way out; a caller for whom there is no slot works alone.
SLOTS = 8
# Parts that a job is cut into, one for each thread, at most.
MOST = 64
# The number of the system call `futex`, by processor.
_FUTEX = {"x86_64": 202, "aarch64": 98}
# Of a clock that is not set back.
_CLOCK = {"darwin": 6}
# How much time of its cores a container may have.
_QUOTA = Path("/sys/fs/cgroup/cpu.max")

# What threads change lies in cache lines of its own. Of a slot: taken, open; stage, arrays, how many pieces, how many parts; then how many pieces
# are done, how many threads are in, and of each part how many pieces are taken.
_TEXT = """
%line = type {{ i64, [7 x i64] }}
%slot = type {{ i32, i32, ptr, ptr, i64, i64, [3 x i64], %line, %line, [{most} x %line] }}

@slots = internal global [{slots} x %slot] zeroinitializer, align 64
@current = internal global ptr @slots, align 64
@changes = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@threads = internal global i64 0, align 64
@asks.xla = internal global i32 0, align 64

declare i32 @sched_yield()
{getcpu}
declare i32 @clock_gettime(i32, ptr)
declare i64 @syscall(i64, ...)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)

define internal i64 @now() {{
  %time = alloca {{ i64, i64 }}
  %ignored = call i32 @clock_gettime(i32 {clock}, ptr %time)
  %seconds = load i64, ptr %time
  %rest.at = getelementptr {{ i64, i64 }}, ptr %time, i64 0, i32 1
  %rest = load i64, ptr %rest.at
  %whole = mul i64 %seconds, 1000000000
  %all = add i64 %whole, %rest
  ret i64 %all
}}

define internal void @forget(ptr %api, ptr %error) {{
  %none = icmp eq ptr %error, null
  br i1 %none, label %end, label %destroy
destroy:
  %ask = alloca {{ i64, ptr, ptr }}
  store {{ i64, ptr, ptr }} {{ i64 24, ptr null, ptr null }}, ptr %ask
  %ask.error = getelementptr i8, ptr %ask, i64 16
  store ptr %error, ptr %ask.error
  %destroy.at = getelementptr i8, ptr %api, i64 64
  %destroyer = load ptr, ptr %destroy.at
  call void %destroyer(ptr %ask)
  br label %end
end:
  ret void
}}

define internal i64 @known(ptr %frame) {{
  %api.at = getelementptr i8, ptr %frame, i64 16
  %api = load ptr, ptr %api.at
  %context.at = getelementptr i8, ptr %frame, i64 24
  %context = load ptr, ptr %context.at
  %threads = alloca i64
  store i64 1, ptr %threads
  %ask = alloca {{ i64, ptr, ptr, ptr }}
  store {{ i64, ptr, ptr, ptr }} {{ i64 32, ptr null, ptr null, ptr null }}, ptr %ask
  %ask.context = getelementptr i8, ptr %ask, i64 16
  store ptr %context, ptr %ask.context
  %ask.threads = getelementptr i8, ptr %ask, i64 24
  store ptr %threads, ptr %ask.threads
  %number.at = getelementptr i8, ptr %api, i64 144
  %number = load ptr, ptr %number.at
  %refused = call ptr %number(ptr %ask)
  call void @forget(ptr %api, ptr %refused)
  %known = load i64, ptr %threads
  ret i64 %known
}}

define internal void @invite(ptr %frame, ptr %slot, i64 %helpers) {{
  %api.at = getelementptr i8, ptr %frame, i64 16
  %api = load ptr, ptr %api.at
  %context.at = getelementptr i8, ptr %frame, i64 24
  %context = load ptr, ptr %context.at
  %call = alloca {{ i64, ptr, ptr, ptr, ptr }}
  store {{ i64, ptr, ptr, ptr, ptr }} {{ i64 40, ptr null, ptr null, ptr @join, ptr null }}, ptr %call
  %call.context = getelementptr i8, ptr %call, i64 16
  store ptr %context, ptr %call.context
  %call.slot = getelementptr i8, ptr %call, i64 32
  store ptr %slot, ptr %call.slot
  %schedule.at = getelementptr i8, ptr %api, i64 136
  %schedule = load ptr, ptr %schedule.at
  br label %next
next:
  %h = phi i64 [ 0, %0 ], [ %h.next, %next ]
  %failed = call ptr %schedule(ptr %call)
  call void @forget(ptr %api, ptr %failed)
  %h.next = add i64 %h, 1
  %more = icmp slt i64 %h.next, %helpers
  br i1 %more, label %next, label %end
end:
  ret void
}}

define internal void @tell(ptr %slot, i64 %helpers) {{
  store atomic ptr %slot, ptr @current seq_cst, align 8
  %change = atomicrmw add ptr @changes, i32 1 seq_cst
  %asleep = load atomic i32, ptr @sleepers seq_cst, align 4
  %some.sleep = icmp sgt i32 %asleep, 0
  br i1 %some.sleep, label %wake, label %end
wake:
  %called = trunc i64 %helpers to i32
  %woke = call i64 (i64, ...) @syscall(i64 {futex}, ptr @changes, i32 129, i32 %called, ptr null, ptr null, i32 0)
  br label %end
end:
  ret void
}}

define internal void @work(ptr %slot, ptr %frame, i64 %published) {{
  %core = call i32 @sched_getcpu()
  %me = zext i32 %core to i64
  %stage.at = getelementptr %slot, ptr %slot, i64 0, i32 2
  %stage = load ptr, ptr %stage.at
  %arrays.at = getelementptr %slot, ptr %slot, i64 0, i32 3
  %arrays = load ptr, ptr %arrays.at
  %count.at = getelementptr %slot, ptr %slot, i64 0, i32 4
  %count = load i64, ptr %count.at
  %parts.at = getelementptr %slot, ptr %slot, i64 0, i32 5
  %parts = load i64, ptr %parts.at
  %done = getelementptr %slot, ptr %slot, i64 0, i32 7
  %inside.at = getelementptr %slot, ptr %slot, i64 0, i32 8
  %may.ask = icmp ne ptr %frame, null
  br label %part
part:
  %k = phi i64 [ 0, %0 ], [ %k.next, %over ]
  %hoped = phi i1 [ %may.ask, %0 ], [ %hopes, %over ]
  %more = icmp slt i64 %k, %parts
  br i1 %more, label %begin, label %end
begin:
  %p.far = add i64 %me, %k
  %p = urem i64 %p.far, %parts
  %p.next = add i64 %p, 1
  %first.much = mul i64 %p, %count
  %first = udiv i64 %first.much, %parts
  %beyond.much = mul i64 %p.next, %count
  %beyond = udiv i64 %beyond.much, %parts
  %next = getelementptr %slot, ptr %slot, i64 0, i32 9, i64 %p
  br label %take
take:
  %hopes = phi i1 [ %hoped, %begin ], [ %hopes, %do ], [ %hopes, %hope ], [ false, %see ], [ false, %call.xla ], [ false, %call.own ]
  %taken = atomicrmw add ptr %next, i64 1 monotonic
  %i = add i64 %first, %taken
  %some = icmp slt i64 %i, %beyond
  br i1 %some, label %do, label %over
do:
  call void %stage(ptr %arrays, i64 %i)
  %old = atomicrmw add ptr %done, i64 1 release
  br i1 %hopes, label %hope, label %take
hope:
  %time = call i64 @now()
  %passed = sub i64 %time, %published
  %long = icmp sgt i64 %passed, {hoping}
  br i1 %long, label %see, label %take
see:
  %inside = load atomic i64, ptr %inside.at monotonic, align 8
  %nobody = icmp eq i64 %inside, 0
  br i1 %nobody, label %call, label %take
call:
  %helpers = sub i64 %parts, 1
  %asked.xla = load atomic i32, ptr @asks.xla monotonic, align 4
  %were.xla = icmp ne i32 %asked.xla, 0
  %others = xor i32 %asked.xla, 1
  store atomic i32 %others, ptr @asks.xla monotonic, align 4
  br i1 %were.xla, label %call.own, label %call.xla
call.xla:
  call void @invite(ptr %frame, ptr %slot, i64 %helpers)
  br label %take
call.own:
  call void @tell(ptr %slot, i64 %helpers)
  br label %take
over:
  %k.next = add i64 %k, 1
  br label %part
end:
  ret void
}}

define internal void @enter(ptr %slot) {{
  %inside = getelementptr %slot, ptr %slot, i64 0, i32 8
  %in = atomicrmw add ptr %inside, i64 1 seq_cst
  %open.at = getelementptr %slot, ptr %slot, i64 0, i32 1
  %open = load atomic i32, ptr %open.at seq_cst, align 4
  %is.open = icmp ne i32 %open, 0
  br i1 %is.open, label %help, label %leave
help:
  call void @work(ptr %slot, ptr null, i64 0)
  br label %leave
leave:
  %out = atomicrmw sub ptr %inside, i64 1 seq_cst
  ret void
}}

define internal void @join(ptr %slot) {{
  call void @enter(ptr %slot)
  ret void
}}

define internal ptr @thread(ptr %ignored) {{
  br label %look
look:
  %last = phi i32 [ 0, %0 ], [ %found, %go ]
  %begin = call i64 @now()
  br label %again
again:
  %seen = load atomic i32, ptr @changes acquire, align 4
  %same = icmp eq i32 %seen, %last
  br i1 %same, label %give.way, label %go
give.way:
  %gave = call i32 @sched_yield()
  %time = call i64 @now()
  %passed = sub i64 %time, %begin
  %tired = icmp sgt i64 %passed, {looking}
  br i1 %tired, label %sleep, label %again
sleep:
  %before = atomicrmw add ptr @sleepers, i32 1 seq_cst
  %woken = call i64 (i64, ...) @syscall(i64 {futex}, ptr @changes, i32 128, i32 %last, ptr null, ptr null, i32 0)
  %after = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  %then = load atomic i32, ptr @changes acquire, align 4
  %nothing = icmp eq i32 %then, %last
  br i1 %nothing, label %sleep, label %go
go:
  %found = phi i32 [ %seen, %again ], [ %then, %sleep ]
  %slot = load atomic ptr, ptr @current acquire, align 8
  call void @enter(ptr %slot)
  br label %look
}}

define i64 @jaxtut_start(i64 %wanted) {{
  %thread = alloca i64
  br label %next
next:
  %n = phi i64 [ 0, %0 ], [ %number, %made ]
  %more = icmp slt i64 %n, %wanted
  br i1 %more, label %make, label %end
make:
  %number = add i64 %n, 1
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @thread, ptr null)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %made, label %end
made:
  %id = load i64, ptr %thread
  %ignored = call i32 @pthread_detach(i64 %id)
  br label %next
end:
  store atomic i64 %n, ptr @threads release, align 8
  ret i64 %n
}}

define void @jaxtut_share(ptr %frame, ptr %stage, ptr %arrays, i64 %count) {{
  %known = call i64 @known(ptr %frame)
  %fewer = icmp slt i64 %known, %count
  %parts.all = select i1 %fewer, i64 %known, i64 %count
  %few = icmp slt i64 %parts.all, {most}
  %parts = select i1 %few, i64 %parts.all, i64 {most}
  %alone = icmp slt i64 %parts, 2
  br i1 %alone, label %serial, label %choose
serial:
  %s = phi i64 [ 0, %0 ], [ 0, %choose ], [ %s.next, %serial ]
  call void %stage(ptr %arrays, i64 %s)
  %s.next = add i64 %s, 1
  %s.more = icmp slt i64 %s.next, %count
  br i1 %s.more, label %serial, label %end
choose:
  %i = phi i64 [ 0, %0 ], [ %i.next, %other ]
  %some = icmp slt i64 %i, {slots}
  br i1 %some, label %try, label %serial
try:
  %slot = getelementptr [{slots} x %slot], ptr @slots, i64 0, i64 %i
  %got = cmpxchg ptr %slot, i32 0, i32 1 acq_rel monotonic
  %is.mine = extractvalue {{ i32, i1 }} %got, 1
  br i1 %is.mine, label %look.in, label %other
look.in:
  %inside.at = getelementptr %slot, ptr %slot, i64 0, i32 8
  %inside = load atomic i64, ptr %inside.at seq_cst, align 8
  %empty = icmp eq i64 %inside, 0
  br i1 %empty, label %fill, label %give.back
give.back:
  store atomic i32 0, ptr %slot release, align 4
  br label %other
other:
  %i.next = add i64 %i, 1
  br label %choose
fill:
  %open.at = getelementptr %slot, ptr %slot, i64 0, i32 1
  %stage.at = getelementptr %slot, ptr %slot, i64 0, i32 2
  store ptr %stage, ptr %stage.at
  %arrays.at = getelementptr %slot, ptr %slot, i64 0, i32 3
  store ptr %arrays, ptr %arrays.at
  %count.at = getelementptr %slot, ptr %slot, i64 0, i32 4
  store i64 %count, ptr %count.at
  %parts.at = getelementptr %slot, ptr %slot, i64 0, i32 5
  store i64 %parts, ptr %parts.at
  %done = getelementptr %slot, ptr %slot, i64 0, i32 7
  store i64 0, ptr %done
  br label %clear
clear:
  %c = phi i64 [ 0, %fill ], [ %c.next, %clear ]
  %taken = getelementptr %slot, ptr %slot, i64 0, i32 9, i64 %c
  store i64 0, ptr %taken
  %c.next = add i64 %c, 1
  %c.more = icmp slt i64 %c.next, %parts
  br i1 %c.more, label %clear, label %publish
publish:
  %published = call i64 @now()
  store atomic i32 1, ptr %open.at seq_cst, align 4
  %helpers = sub i64 %parts, 1
  %threads = load atomic i64, ptr @threads acquire, align 8
  %has.own = icmp sgt i64 %threads, 0
  %asked.xla = load atomic i32, ptr @asks.xla monotonic, align 4
  %asks.own = icmp eq i32 %asked.xla, 0
  %own = and i1 %has.own, %asks.own
  br i1 %own, label %ask.own, label %ask.xla
ask.xla:
  call void @invite(ptr %frame, ptr %slot, i64 %helpers)
  br label %begin
ask.own:
  call void @tell(ptr %slot, i64 %helpers)
  br label %begin
begin:
  %asks = select i1 %has.own, ptr %frame, ptr null
  call void @work(ptr %slot, ptr %asks, i64 %published)
  br label %check
check:
  %finished = load atomic i64, ptr %done acquire, align 8
  %waiting = icmp slt i64 %finished, %count
  br i1 %waiting, label %wait, label %close
wait:
  %waited = call i32 @sched_yield()
  br label %check
close:
  store atomic i32 0, ptr %open.at seq_cst, align 4
  store atomic i32 0, ptr %slot release, align 4
  br label %end
end:
  ret void
}}
"""


def text() -> str:
    """Return the functions `jaxtut_share`, by which programs run a stage, and `jaxtut_start`, which makes threads and returns how many."""
    clock, futex = _CLOCK.get(sys.platform, 1), _FUTEX.get(platform.machine().lower(), 0)
    # Where nobody tells the core, all begin with the first part.
    getcpu = (
        "declare i32 @sched_getcpu()"
        if sys.platform == "linux"
        else "define internal i32 @sched_getcpu() { ret i32 0 }"
    )
    return _TEXT.format(getcpu=getcpu, slots=SLOTS, most=MOST, looking=LOOKING, hoping=HOPING, clock=clock, futex=futex)


def start(engine: Any) -> int:
    """Let programs find the functions of `text`, make a thread for each core but one that this process may use, and return how many there are.

    Args:
        engine: that of `text`. It is kept for ever: the threads run until the process ends, later than Python does.
    """
    import llvmlite.binding as llvm

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(engine))
    llvm.add_symbol("jaxtut_share", engine.get_function_address("jaxtut_share"))
    begin = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(engine.get_function_address("jaxtut_start"))
    return begin(_cores() - 1 if sys.platform == "linux" and platform.machine().lower() in _FUTEX else 0)


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with suppress(OSError, ValueError):  # "max 100000", or microseconds in each period of so many
        quota, period = map(int, _QUOTA.read_text(encoding="ascii").split())
        # Threads that look for work would use up a container's share.
        cores = min(cores, max(1, quota // period))
    return cores
