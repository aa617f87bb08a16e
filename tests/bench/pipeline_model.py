# SPDX-License-Identifier: MIT
# Copyright (c) 2026 the vmferry authors
"""The engine's pipeline (src/copy/pipeline.c) as a small simulation: what was measured of one run says how long the same
takes on so many cores, and what stops it there. README.md here says what it leaves out."""
import dataclasses
import heapq
import random

EFFORTS = ('read', 'unpack', 'hash', 'pack', 'place', 'write', 'other')
SPREAD = 0.5  # jobs take half to one and a half times as long as the mean: data is not all alike


@dataclasses.dataclass(frozen=True)
class Parts:
    """Seconds of processor time. Of one job on the mean: its work, its turn (in order, on any thread), its store (in any
    order, `writers` at a time), and what the caller's thread does for it; `lock`: between two parts, one thread at a time."""
    start: float  # before the first job
    count: int
    work: float
    turn: float
    store: float
    caller: float
    lock: float
    writers: int = 1  # as for a file

    def total(self):
        return self.start + self.count * (self.work + self.turn + self.store + self.caller)


def total_of(role):
    return sum(role[effort] for effort in EFFORTS)


def parts_of(effort):
    """Of what vmferry tells with VMFERRY_EFFORT."""
    work, crew = effort['work'], effort['crew']
    count = max(work['parts'], effort['turn']['parts'], 1)
    handed = sum(effort[role]['parts'] for role in ('work', 'turn', 'store'))
    return Parts(total_of(effort['start']), count, total_of(work) / count, total_of(effort['turn']) / count,
                 total_of(effort['store']) / count, total_of(effort['caller']) / count,
                 total_of(crew) / handed if handed else 0.0)


def shares_of(effort):
    """Of all processor time: each effort's, and that of the first thread, which cannot be shared."""
    roles = [effort[role] for role in ('start', 'caller', 'crew', 'work', 'turn', 'store')]
    total = sum(map(total_of, roles)) or 1.0
    shares = {name: sum(role[name] for role in roles) / total for name in EFFORTS}
    return {**shares, 'first': (total_of(effort['start']) + total_of(effort['caller'])) / total}


class Simulation:
    """Who works on what: the caller's thread, and as many others as there are cores. Time goes from event to event."""

    def __init__(self, parts, threads, jobs):
        self.parts, self.threads, self.slots = parts, threads, jobs
        dice = random.Random(1)
        self.works = [parts.work * dice.uniform(1 - SPREAD, 1 + SPREAD) for _ in range(parts.count)]
        self.now = parts.start
        self.events = []  # (when, number, what)
        self.number = 0
        self.idle_slots, self.free = jobs, threads
        self.queue, self.turns, self.stores = [], set(), 0
        self.storing, self.turning, self.retired, self.submitted, self.next_turn = 0, False, 0, 0, 0
        self.worked, self.caller_busy, self.lock_free = set(), False, 0.0
        self.busy = {'caller': parts.start, 'store': 0.0, 'turn': 0.0, 'lock': 0.0}

    def at(self, seconds, what):
        self.number += 1
        heapq.heappush(self.events, (self.now + seconds, self.number, what))

    def locked(self):
        """Seconds until the lock was had and given back."""
        begun = max(self.lock_free, self.now)
        self.lock_free = begun + self.parts.lock
        self.busy['lock'] += self.parts.lock
        return self.lock_free - self.now

    # ---- the caller's thread ----

    def caller(self):
        """Hands out jobs while there are free ones, then retires the oldest: half of its time for each."""
        if self.caller_busy:
            return
        if self.idle_slots > 0 and self.submitted < self.parts.count:
            self.idle_slots -= 1
            self.call(self.submit)
        elif self.retired in self.worked:
            self.call(self.retire)

    def call(self, what):
        self.caller_busy = True
        self.busy['caller'] += self.parts.caller / 2
        self.at(self.parts.caller / 2, what)

    def submit(self):
        self.queue.append(self.submitted)
        self.submitted += 1
        self.caller_busy = False

    def retire(self):
        self.worked.remove(self.retired)
        self.retired += 1
        self.caller_busy = False
        if self.parts.store > 0:
            self.stores += 1
        else:
            self.idle_slots += 1

    # ---- the others ----

    def serve(self):
        """As next_slot of pipeline.c: stores first, then turns, then work."""
        while self.free > 0:
            if self.stores > 0 and self.storing < self.parts.writers:
                self.stores -= 1
                self.storing += 1
                self.begin(self.parts.store, self.end_store, 'store')
            elif not self.turning and self.next_turn in self.turns:
                self.turning = True
                self.begin(self.parts.turn, self.end_turn, 'turn')
            elif self.queue:
                job = self.queue.pop(0)
                self.begin(self.works[job], lambda job=job: self.end_work(job))
            else:
                return

    def begin(self, seconds, what, name=None):
        self.free -= 1
        if name:
            self.busy[name] += seconds
        self.at(self.locked() + seconds, what)

    def end_store(self):
        self.free += 1
        self.storing -= 1
        self.idle_slots += 1

    def end_turn(self):
        self.free += 1
        self.turning = False
        self.turns.remove(self.next_turn)
        self.worked.add(self.next_turn)
        self.next_turn += 1

    def end_work(self, job):
        self.free += 1
        (self.turns if self.parts.turn > 0 else self.worked).add(job)

    def run(self):
        while True:
            self.caller()
            self.serve()
            if not self.events:
                return self.now
            self.now, _, what = heapq.heappop(self.events)
            what()


def predict(parts, cores, threads, jobs):
    """Seconds on so many cores with so many threads and jobs, and what is busiest then, but for the cores: (name, its share
    of the time). The caller's thread is one more than there are cores: what it takes, it takes from the others."""
    simulation = Simulation(parts, max(min(cores, threads), 1), jobs)
    seconds = simulation.run()
    seconds = max(seconds, parts.start + (parts.total() - parts.start) / cores)
    name, busy = max(simulation.busy.items(), key=lambda item: item[1])
    return seconds, (name, busy / seconds)
