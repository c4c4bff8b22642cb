"""The sabotage: what somebody might break in a line, and the test that must see it.

`old` stands exactly once in `file` (infra/tests/unit/test_sabotage.py holds that), so a patch is named again when the code around it changes.
"""

from __future__ import annotations

from dataclasses import dataclass

CHASSIS = "services/chassis/src/stratapolis/chassis"
TESTS = "services/chassis/tests"
INTEGRATION = f"{TESTS}/integration"
GOVERNANCE = "services/governance"
INFRASTRUCTURE = "services/infrastructure"
POLICY = "services/policy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sabotage:
    """A change of one place. `test` is a pytest id (`path::name`) that passes without it and fails with it; `breaks` is the promise."""

    name: str
    breaks: str
    file: str
    old: str
    new: str
    test: str


PATCHES = (
    Sabotage(
        name="no-dedupe",
        breaks="G3: an event that arrives twice has its effect twice",
        file=f"{CHASSIS}/inbox.py",
        old="        if found.sequence <= entry.last:\n",
        new="        if found.sequence < 0:\n",
        test=f"{INTEGRATION}/test_events.py::test_g3_a_replay_from_the_start_applies_nothing_again",
    ),
    Sabotage(
        name="raw-taken-twice",
        breaks="G3: a raw stream read again is handed over again",
        file=f"{CHASSIS}/positions.py",
        old="    return [record for record in records if record.offset >= taken[record.topic, record.partition]]",
        new="    return [record for record in records if record.topic]",
        test=f"{INTEGRATION}/test_raw.py::test_g3_a_replay_of_a_raw_stream_hands_nothing_over_again",
    ),
    Sabotage(
        name="position-before-effect",
        breaks="G2: the position is committed before the effect, and what fails in between is lost",
        file=f"{CHASSIS}/hearing.py",
        old="                await positions.move(tx, moves)\n                applied",
        new="                async with self._db.transaction() as first:\n                    await positions.move(first, moves)\n                applied",
        test=f"{INTEGRATION}/test_events.py::test_g2_what_was_in_hand_when_the_database_went_away_is_read_again_once_it_is_back",
    ),
    Sabotage(
        name="no-compare-and-set",
        breaks="G3: a replica that lost its partition goes on applying it",
        file=f"{CHASSIS}/positions.py",
        old=" and p.next = n.seen",
        new="",
        test=f"{INTEGRATION}/test_raw.py::test_what_was_rolled_back_is_handed_over_again",
    ),
    Sabotage(
        name="no-parked-key",
        breaks="G5: what stands behind a dead letter of its key overtakes it",
        file=f"{CHASSIS}/inbox.py",
        old="        if ordered and key:\n",
        new="        if not ordered and key:\n",
        test=f"{INTEGRATION}/test_dead_letters.py::test_g7_a_bad_event_parks_its_key_alone_and_a_redrive_applies_it_in_order",
    ),
    Sabotage(
        name="gaps-pass",
        breaks="G5: an event is applied though one before it is missing",
        file=f"{CHASSIS}/inbox.py",
        old="        if found.sequence > entry.last + 1:\n",
        new="        if found.sequence < 0:\n",
        test=f"{INTEGRATION}/test_dead_letters.py::test_g5_what_was_missing_in_a_gap_is_applied_when_it_has_come_though_the_event_behind_the_gap_is_given_up",
    ),
    Sabotage(
        name="foreign-writer-heard",
        breaks="G11: whoever can write to a topic speaks for the layer that owns it",
        file=f"{CHASSIS}/envelope.py",
        old="    if envelope.source != source(topic.writer):\n",
        new="    if not envelope.source:\n",
        test=f"{INTEGRATION}/test_dead_letters.py::test_g7_what_is_no_event_is_one_dead_letter_and_other_keys_go_on",
    ),
    Sabotage(
        name="relay-without-order",
        breaks="G5: events of a key are published in another order than they were said",
        file=f"{CHASSIS}/relay.py",
        old="where published_at is null order by id limit $1",
        new="where published_at is null order by id desc limit $1",
        test=f"{INTEGRATION}/test_events.py::test_what_is_committed_is_heard_in_order",
    ),
    Sabotage(
        name="every-relay-leads",
        breaks="G5: two replicas publish the outbox at once",
        file=f"{CHASSIS}/relay.py",
        old='while not await connection.fetchval("select pg_try_advisory_lock($1)", LEADER_LOCK):',
        new='while not await connection.fetchval("select $1 > 0", LEADER_LOCK):',
        test=f"{INTEGRATION}/test_relay.py::test_g5_of_two_relays_one_leads_and_the_other_takes_over",
    ),
    Sabotage(
        name="marked-unacknowledged",
        breaks="G4: a row counts as published though the broker never had it",
        file=f"{CHASSIS}/relay.py",
        old="            if isinstance(answer, BaseException):\n",
        new="            if answer is BaseException:\n",
        test=f"{INTEGRATION}/test_relay.py::test_g4_what_the_broker_did_not_take_is_not_marked_nor_is_what_follows_it_in_its_key",
    ),
    Sabotage(
        name="late-stays-last",
        breaks="G5: what a relay sends too late is all that a compacted topic keeps",
        file=f"{CHASSIS}/relay.py",
        old="        await self._say_newest_again(connection)\n",
        new="        await connection.fetchval(UNPUBLISHED, 1)\n",
        test=f"{INTEGRATION}/test_relay.py::test_g5_a_relay_that_wakes_too_late_leaves_the_newest_last_on_a_compacted_topic",
    ),
    Sabotage(
        name="older-is-followed",
        breaks="G11: a revocation or a policy that was replaced counts again",
        file=f"{CHASSIS}/follow.py",
        old="            if (found.sequence or 0) < self._sequences.get(key, 0):",
        new="            if (found.sequence or 0) < 0:",
        test=f"{TESTS}/unit/test_follow.py::test_g5_an_older_event_that_lies_behind_a_newer_one_is_not_the_newest",
    ),
    Sabotage(
        name="undone-but-said",
        breaks="G4: what a savepoint undid is published",
        file=f"{CHASSIS}/db.py",
        old="            del self._at_end[before:]\n",
        new="            del self._at_end[len(self._at_end) :]\n",
        test=f"{INTEGRATION}/test_outbox.py::test_each_key_counts_by_itself_and_what_a_savepoint_undoes_is_not_said",
    ),
    Sabotage(
        name="no-tombstone",
        breaks="G1: a request that comes after its journey's end holds for ever",
        file=f"{CHASSIS}/holds.py",
        old='            await tx.execute(PUT, event.service_id, event.version, event.journey_id, event.creator_id, "released", [], at, at)\n',
        new="            return\n",
        test=f"{INTEGRATION}/test_holds.py::test_a_request_that_comes_after_its_journeys_end_holds_nothing",
    ),
    Sabotage(
        name="hold-outlives-its-journey",
        breaks="G1: a rejected journey keeps what it held",
        file=f"{CHASSIS}/holds.py",
        old='        elif row["state"] == "held":\n',
        new='        elif row["state"] == "refused":\n',
        test=f"{INTEGRATION}/test_holds.py::test_an_upgrade_that_fails_is_let_go_and_the_live_version_is_not_touched",
    ),
    Sabotage(
        name="an-end-is-not-final",
        breaks="G1: an answer that comes late moves a journey that has ended",
        file=f"{GOVERNANCE}/src/stratapolis/governance/domain/journey.py",
        old="    late = journey.ended\n",
        new="    late = False\n",
        test=f"{GOVERNANCE}/tests/unit/test_journey.py::test_a_withdrawal_wins_over_answers_on_their_way",
    ),
    Sabotage(
        name="request-id-ignored",
        breaks="G8: a call sent again is done again",
        file=f"{CHASSIS}/idempotency.py",
        old="        if await tx.value(CLAIM, subject, rpc, request_id, body, tx.at):\n",
        new="        if await tx.value(CLAIM, subject, rpc, request_id, body, tx.at) or True:\n",
        test=f"{INTEGRATION}/rpc/test_unary.py::test_g8_fifty_at_once_have_one_effect_and_one_answer",
    ),
    Sabotage(
        name="owner-check-off",
        breaks="G11: everybody sees everybody's rows",
        file=f"{CHASSIS}/rpc/gate.py",
        old='    if CALLER_OWNER in method.allow and (caller.kind == "person" or caller.creator):\n        return caller.owners\n',
        new='    if CALLER_OWNER in method.allow and (caller.kind == "person" or caller.creator):\n        return None\n',
        test=f"{INTEGRATION}/rpc/test_admission.py::test_g11_owners_see_their_rows",
    ),
    Sabotage(
        name="role-check-off",
        breaks="G11: a call for a role is open to everybody with a token",
        file=f"{CHASSIS}/rpc/gate.py",
        old="    if CALLER_ROLE in method.allow and caller.roles & method.roles:\n",
        new="    if CALLER_ROLE in method.allow:\n",
        test=f"{INTEGRATION}/rpc/test_admission.py::test_g11_only_the_right_token_is_let_in",
    ),
    Sabotage(
        name="audience-unchecked",
        breaks="G11: a token for one layer opens every other",
        file=f"{CHASSIS}/tokens.py",
        old="        if claims.audience not in audiences:\n",
        new="        if not claims.audience:\n",
        test=f"{TESTS}/unit/test_tokens.py::test_a_forged_token_is_refused",
    ),
    Sabotage(
        name="signature-unchecked",
        breaks="G11: anybody writes tokens",
        file=f"{CHASSIS}/tokens.py",
        old='CHECKED: Options = {"require"',
        new='CHECKED: Options = {"verify_signature": False, "require"',
        test=f"{TESTS}/unit/test_tokens.py::test_a_forged_token_is_refused",
    ),
    Sabotage(
        name="revocation-ignored",
        breaks="G11: a revoked token counts until it expires",
        file=f"{CHASSIS}/tokens.py",
        old="        if self._revocations.refused(claims.caller.subject, claims.jti, claims.issued_at):\n",
        new='        if self._revocations.refused("", claims.jti, claims.issued_at):\n',
        test=f"{TESTS}/unit/test_tokens.py::test_a_revocation_is_felt_at_the_next_use",
    ),
    Sabotage(
        name="unpermitted-allowed",
        breaks="G11: without a policy that permits it, everything is permitted",
        file=f"{CHASSIS}/policies.py",
        old="        return Decision(allowed=said.allowed, policy_ids=ids, version=version)\n",
        new="        return Decision(allowed=said.allowed or not ids, policy_ids=ids, version=version)\n",
        test=f"{TESTS}/unit/test_policies.py::test_what_nobody_permits_is_denied",
    ),
    Sabotage(
        name="float-money",
        breaks="G6: amounts are rounded on their way through",
        file=f"{CHASSIS}/money.py",
        old="    return _EXACT.add(Decimal(money.units), Decimal(money.nanos).scaleb(-9, _EXACT))\n",
        new="    return Decimal(money.units + money.nanos / _NANOS)\n",
        test=f"{TESTS}/unit/test_money.py::test_every_amount_survives_the_way_to_the_contract_and_back",
    ),
    Sabotage(
        name="a-leg-goes-missing",
        breaks="G6: the parts of an amount do not add up to it",
        file=f"{GOVERNANCE}/src/stratapolis/governance/domain/ledger.py",
        old="        for place in by_remainder[:missing]:\n",
        new="        for place in by_remainder[:0]:\n",
        test=f"{GOVERNANCE}/tests/unit/test_ledger.py::test_parts_add_up_and_none_is_a_billionth_from_what_is_its_due",
    ),
    Sabotage(
        name="use-counted-twice",
        breaks="G3: a use that two events bring is counted twice, and the next ones cost what they should not",
        file=f"{GOVERNANCE}/src/stratapolis/governance/store/tariffs.py",
        old="    on conflict (service_id, use_id) do nothing",
        new="    on conflict (service_id, use_id) do update set quantity = excluded.quantity",
        test=f"{GOVERNANCE}/tests/integration/test_charging.py::test_a_use_that_comes_again_makes_the_next_one_no_cheaper",
    ),
    Sabotage(
        name="legs-need-not-add-up",
        breaks="G6: the ledger takes a charge that does not balance",
        file=f"{GOVERNANCE}/migrations/0003_ledger.sql",
        old=" or sum(amount) <> 0 from entry",
        new=" from entry",
        test=f"{GOVERNANCE}/tests/integration/test_ledger_schema.py::test_legs_that_do_not_add_up_are_refused_at_commit",
    ),
    Sabotage(
        name="capacity-check-off",
        breaks="never past capacity: a pool is reserved beyond what there is",
        file=f"{INFRASTRUCTURE}/src/stratapolis/infrastructure/domain/pool.py",
        old="        if asked > free:\n",
        new="        if asked < 0:\n",
        test=f"{INFRASTRUCTURE}/tests/integration/test_capacity.py::test_fifty_reservations_at_once_fill_the_pool_exactly",
    ),
    Sabotage(
        name="money-spent-twice",
        breaks="never past an amount: a funding source promises more than it has",
        file=f"{POLICY}/src/stratapolis/policy/domain/funding.py",
        old="        return self.amount - self.reserved - self.committed\n",
        new="        return self.amount - self.committed\n",
        test=f"{POLICY}/tests/integration/test_funding.py::test_fifty_at_once_take_exactly_what_there_is_and_none_waits_for_ever",
    ),
    Sabotage(
        name="no-deadline-asked",
        breaks="G9: a call without a deadline may hang",
        file=f"{CHASSIS}/rpc/unary.py",
        old="        left = context.time_remaining()\n",
        new="        left = context.time_remaining() or deadline.LONGEST\n",
        test=f"{INTEGRATION}/rpc/test_unary.py::test_a_call_without_a_deadline_is_refused",
    ),
    Sabotage(
        name="rules-unchecked",
        breaks="G12: what breaks the contract's rules comes in",
        file=f"{CHASSIS}/rpc/reading.py",
        old="    broken = list(broken_rules(request))\n",
        new="    broken = list(broken_rules(kind()))[:0]\n",
        test=f"{INTEGRATION}/rpc/test_unary.py::test_every_broken_rule_is_named",
    ),
    Sabotage(
        name="penalty-before-the-end",
        breaks="an agreed metric is judged while its period still runs",
        file=f"{POLICY}/src/stratapolis/policy/store/performance.py",
        old="where not r.judged and r.over_at <= $1 order by",
        new="where not r.judged and $1::timestamptz is not null order by",
        test=f"{POLICY}/tests/integration/test_performance.py::test_a_period_is_judged_when_it_is_over_by_its_last_value",
    ),
)
