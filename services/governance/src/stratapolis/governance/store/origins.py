"""Ideas that have graduated: what a proposal may come from."""

from city.innovation.v1.events_pb2 import IdeaGraduated
from city.types.v1.types_pb2 import Origin
from stratapolis.chassis.db import Row, Tx

PUT = """
    insert into origin (idea_id, idea_title, lead, challenge_id, pilot_id, evidence) values ($1, $2, $3, $4, $5, $6) on conflict (idea_id) do nothing"""
SEE = "select * from origin where idea_id = $1 and lead = $2"


async def put(tx: Tx, idea: IdeaGraduated) -> None:
    """Keep one; an idea graduates once."""
    await tx.execute(PUT, idea.idea_id, idea.title, idea.lead, idea.challenge_id, idea.pilot_id, idea.evidence)


async def find(tx: Tx, idea_id: str, lead: str) -> Origin | None:
    """The idea, if it has graduated and this value creator leads it; None: nobody can tell which of the two is not so."""
    row = await tx.row(SEE, idea_id, lead)
    return _origin(row) if row else None


def _origin(row: Row) -> Origin:
    return Origin(
        idea_id=row["idea_id"], idea_title=row["idea_title"], challenge_id=row["challenge_id"], pilot_id=row["pilot_id"], evidence=row["evidence"]
    )  # fmt: skip
