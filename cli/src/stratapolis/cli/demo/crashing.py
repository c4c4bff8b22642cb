"""Chapter 7: a process with work of an open journey in hand is killed with -9, and the journey ends right."""

from __future__ import annotations

from city.journey.v1 import journey_pb2 as shared
from stratapolis.chassis.crash import POINTS
from stratapolis.cli.demo import journeys
from stratapolis.cli.demo.opening import WORDS
from stratapolis.cli.demo.story import Story
from stratapolis.cli.local.city import until

VICTIMS = ("policy", "data", "connectivity", "governance")


async def crash(story: Story) -> None:
    """Arm a crash point of a layer, propose, see the process die, see the journey live."""
    story.chapter(7, "kill -9 in the middle of a journey")
    victim, point = story.rng.choice(VICTIMS), story.rng.choice(POINTS)
    department = story.creators["department"]
    before = story.city.process(victim).pid
    text = journeys.manifest("street-party", name=f"street-party-{story.rng.choice(WORDS).lower()}")
    (story.crash_folder / f"{victim}.{point}").touch()
    story.tell(f"[bold]{victim}[/] (process {before}) will be killed at the point “{point}”.")
    journey = await journeys.propose(story, text, as_=department.founder)
    (found,) = await journeys.ended(story, [journey.journey_id], as_=department.founder)

    async def replaced() -> bool:
        running = story.city.process(victim)
        return running.pid != before and running.alive

    await until(replaced, f"{victim} to be started again", within=30)
    await story.city.until_ready(victim)
    story.hold(found.state == shared.JOURNEY_STATE_LIVE, f"the journey is live in spite of it: {[r.message for r in found.reasons]}")
    took = (found.ended_time.ToDatetime() - found.proposed_time.ToDatetime()).total_seconds()
    story.tell(f"the journey is live {took:.1f} s after its proposal; {victim} runs again as process {story.city.process(victim).pid}.")
