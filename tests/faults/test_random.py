"""Everything at once, at random: import, edit, run, kill, cancel, publish, roll back, search.

`TCS_TEST_SEED` repeats the choices of a run (threads still interleave as they like), `TCS_TEST_RANDOM_SECONDS=180` is
the length that is promised.
"""

from __future__ import annotations

import csv
import io
import os
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

from django.db import close_old_connections, connection, transaction

from experts.importing.apply import apply_plan
from experts.importing.errors import ImportFailed
from experts.importing.plan import make_plan
from experts.models import Expert
from indexing import runs
from indexing.errors import IndexingError
from indexing.lib import processes
from indexing.models import IndexState, IndexVersion, RebuildRun
from indexing.versions import decisions, pinning
from indexing.worker import execute
from tests.faults import promises, transitions, workers
from tests.faults.web import Searching
from tests.support import cast

SEED = int(os.environ.get("TCS_TEST_SEED") or random.SystemRandom().randrange(10**6))
SECONDS = float(os.environ.get("TCS_TEST_RANDOM_SECONDS", "12"))
PROMISED_SECONDS = 180
STAGES = [f"stage {stage}" for stage in RebuildRun.STAGES[RebuildRun.Kind.FULL]]
POINTS = [*STAGES, "renamed", "before transaction", "in transaction", "after transaction"]
ACTOR = cast.command_actor("dice")
Step = Callable[[random.Random], str]


def import_some(dice: random.Random) -> str:
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(["Username", "First Name", "Last Name", "Bio"])
    for number in dice.sample(range(1, 60), 5):
        writer.writerow([f"expert-{number:03d}", "Erin", f"Number{number}", f"Has seen {dice.randrange(999)} cases."])
    try:
        apply_plan(make_plan(io.BytesIO(sheet.getvalue().encode())))
    except ImportFailed as refusal:  # edited in between: the plan is no longer true, and nothing was applied
        return type(refusal).__name__
    return "imported"


def edit_one(dice: random.Random) -> str:
    chosen = dice.choice(list(Expert.objects.values_list("pk", flat=True)))
    some = Expert.objects.filter(pk=chosen)
    match dice.randrange(4):
        case 0:
            some.update(is_active=False)
        case 1:
            Expert.objects.activate()
        case 2 if Expert.objects.count() > 20:
            some.delete()
        case _:
            some.update(bio=f"Learned {dice.randrange(10**6)} songs.")
    return "edited"


def run_one(dice: random.Random) -> str:
    run = promises.ask(dice.choice(["full", "full", "full", "tags"]), reembed=dice.random() < 0.3)
    point, action = dice.choice(POINTS), dice.choice(["kill", "kill", "terminate", ""])
    process = workers.Worker(run.pk, point if action else "", action)
    try:
        process.ended()
        runs.reap()
    finally:
        process.remove()
    run.refresh_from_db()
    assert not run.is_active, f"{point} {action}: {run.state}"
    return run.state


def cancel_one(_dice: random.Random) -> str:
    active = RebuildRun.objects.active().first()
    if active is None:
        return "nothing to cancel"
    runs.cancel(active.pk, ACTOR)
    return "cancelled"


def decide_one(dice: random.Random) -> str:
    held = IndexVersion.objects.filter(state=IndexVersion.State.HELD).order_by("?").first()
    if held is not None and dice.random() < 0.7:
        decide = dice.choice([decisions.approve, decisions.discard])
        decide(held.number, ACTOR, "The dice say so.")
        return decide.__name__
    kept = list(IndexVersion.objects.filter(state=IndexVersion.State.KEPT).values_list("number", flat=True))
    if not kept:
        return "nothing kept"
    decisions.roll_back(dice.choice(kept), ACTOR, "The dice say so.")
    return "rolled back"


def pin_one(dice: random.Random) -> str:
    """A pinned version stays, whatever is published after it: `promises.hold` looks."""
    pinned = list(IndexVersion.objects.pinned().values_list("number", flat=True))
    if pinned and dice.random() < 0.5:
        pinning.unpin(dice.choice(pinned), ACTOR, "The dice say so.")
        return "unpinned"
    kept = list(IndexVersion.objects.filter(state__in=pinning.PINNABLE).values_list("number", flat=True))
    pinning.pin(dice.choice(kept), ACTOR, "The dice say so.")
    return "pinned"


class Player(threading.Thread):
    """Makes one kind of step again and again; refusals with a sentence are answers, anything else is a failure."""

    def __init__(self, step: Step, until: float, pause: float) -> None:
        super().__init__(name=step.__name__)
        self.step, self.until, self.pause = step, until, pause
        self.dice = random.Random(f"{SEED} {step.__name__}")
        self.made: Counter[str] = Counter()
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            while time.monotonic() < self.until:
                self.made[self._make()] += 1
                if self.step not in (import_some, edit_one):
                    invariants_hold()
                time.sleep(self.dice.random() * self.pause)
        except Exception as error:  # noqa: BLE001  raised again by the test's own thread
            self.failure = error
        finally:
            connection.close()

    def _make(self) -> str:
        close_old_connections()
        try:
            return self.step(self.dice)
        except IndexingError as refusal:
            return type(refusal).__name__ if str(refusal) else "a refusal without a reason"


def invariants_hold() -> None:
    """At one moment: nobody decides anything while the state row is locked."""
    with transaction.atomic():
        IndexState.locked()
        promises.hold()


def test_whatever_happens_the_invariants_hold(first_version, serve, capsys):
    with capsys.disabled():
        sys.stderr.write(f" TCS_TEST_SEED={SEED} ")
    workers.warm_up()
    # In the long form the web process also starts a worker for each map whose worker was killed.
    web = serve(TCS_WORKER="subprocess" if SECONDS >= PROMISED_SECONDS else "external")
    end = time.monotonic() + SECONDS
    with transitions.recorded(), Searching(web) as searching:
        players = [
            Player(import_some, end, 0.8),
            Player(edit_one, end, 0.3),
            Player(run_one, end, 0.05),
            Player(cancel_one, end, 8.0),
            Player(decide_one, end, 0.6),
            Player(pin_one, end, 1.0),
        ]
        for player in players:
            player.start()
        for player in players:
            player.join(SECONDS + 120)
        story = {player.name: dict(player.made) for player in players}
        assert not any(player.is_alive() for player in players), f"a deadlock: {story}"
        failed = [player for player in players if player.failure is not None]
        if failed:
            raise AssertionError(f"seed {SEED}, {failed[0].name}: {story}") from failed[0].failure
        assert story["run_one"], story
        assert "a refusal without a reason" not in {answer for answers in story.values() for answer in answers}
        transitions.only_forward()
        ends_idle()
    searching.none_failed()


def ends_idle() -> None:
    """A last run, published by hand should the gate hold it, leaves everything in order."""
    Expert.objects.update(is_active=True)
    claimed = runs.claim(processes.me(), promises.ask().pk)
    assert claimed is not None
    run = execute.execute(claimed)
    if run.state == RebuildRun.State.HELD:
        decisions.approve(run.version_id, ACTOR, "The end.")
    else:
        assert run.state == RebuildRun.State.DONE, run.error
    promises.hold_once_idle()
