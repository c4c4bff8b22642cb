"""Sabotage of what holds a database and its topics together."""

from __future__ import annotations

from infra.sabotage.sabotage import CHASSIS, INTEGRATION, Sabotage

LINEAGE = (
    Sabotage(
        name="dump-taken-as-it-is",
        breaks="G2: a database restored from a dump uses sequences again that readers have had",
        file=f"{CHASSIS}/lineage.py",
        old="            if sequence == at + 1:\n",
        new="            if sequence == at:\n",
        test=f"{INTEGRATION}/test_lineage.py::test_g2_a_database_from_a_dump_is_refused_and_says_how_many_events_it_does_not_know",
    ),
    Sabotage(
        name="waits-with-a-taken-number",
        breaks="G2: what waits in the outbox of a restored database is dropped by its readers as a double",
        file=f"{CHASSIS}/lineage.py",
        old='            await tx.execute(RENUMBER, row["id"], last + len(rows) - number)\n',
        new='            await tx.execute(RENUMBER, row["id"], first + len(rows) - number - 1)\n',
        test=f"{INTEGRATION}/test_lineage.py::test_g2_told_to_go_on_it_keeps_what_it_forgot_and_readers_hear_what_it_says_next",
    ),
    Sabotage(
        name="remade-topic-from-the-old-position",
        breaks="G2: a topic that was made again is read from where the old one was left",
        file=f"{CHASSIS}/lineage.py",
        old="(READ_AGAIN, LETTERS_APART, SAY_AGAIN, UNSAID)",
        new="(LETTERS_APART, SAY_AGAIN, UNSAID)",
        test=f"{INTEGRATION}/test_lineage.py::test_a_topic_made_again_is_said_and_read_again_and_nothing_is_applied_twice_or_left_out",
    ),
    Sabotage(
        name="dead-letters-of-the-old-topic-in-the-way",
        breaks="G7: a dead letter of a topic that was made again stands in the place of a new one",
        file=f"{CHASSIS}/lineage.py",
        old="set position = -id where",
        new="set position = position where",
        test=f"{INTEGRATION}/test_lineage.py::test_a_dead_letter_of_the_old_topic_does_not_hide_one_at_the_same_place_of_the_new",
    ),
)
