"""Every rule of the contract check, met by one bad contract each; the good one beside it passes."""

import re
from pathlib import Path

import pytest

from infra.build.contract_check import PROTOS, compiled, faults

GOOD_SERVICE = """
syntax = "proto3";
package city.governance.v1;
import "city/options/v1/options.proto";

service ThingService {
  rpc OpenThing(OpenThingRequest) returns (OpenThingResponse) {
    option (city.options.v1.access) = {allow: [CALLER_ROLE, CALLER_OWNER] roles: ["officer"]};
  }
  rpc ListThings(ListThingsRequest) returns (ListThingsResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (city.options.v1.access) = {allow: [CALLER_AUTHENTICATED]};
  }
  rpc WatchThing(WatchThingRequest) returns (stream WatchThingResponse) {
    option idempotency_level = NO_SIDE_EFFECTS;
    option (city.options.v1.access) = {allow: [CALLER_PUBLIC]};
  }
}
message OpenThingRequest { string request_id = 1; string phone = 2 [(city.options.v1.personal) = true]; }
message OpenThingResponse { string id = 1; }
message ListThingsRequest { int32 page_size = 1; string page_token = 2; }
message ListThingsResponse { repeated string ids = 1; string next_page_token = 2; }
message WatchThingRequest { string cursor = 1; }
message WatchThingResponse { string cursor = 1; }
"""
GOOD_EVENTS = """
syntax = "proto3";
package city.governance.v1;
import "city/options/v1/options.proto";
option (city.options.v1.topic) = {
  name: "city.governance.v1" writer: "governance" readers: ["policy", "data"] partitions: 4
  cleanup: CLEANUP_DELETE retention_hours: 24 max_message_bytes: 1000 also: ["city.shared.v1.ThingSaid"]
};
message ThingOpened {
  option (city.options.v1.event) = {key: "thing_id"};
  string thing_id = 1;
  map<string, Part> parts = 2;
}
message Part { string name = 1; repeated Part inner = 2; }
"""
GOOD_SHARED = """
syntax = "proto3";
package city.shared.v1;
import "city/options/v1/options.proto";
message ThingSaid {
  option (city.options.v1.event) = {key: "thing_id"};
  string thing_id = 1;
}
message Loose { string name = 1; }
"""
GOOD_DENIALS = """
syntax = "proto3";
package city.governance.v1;
import "city/options/v1/options.proto";
option (city.options.v1.topic) = {
  name: "city.governance.denials.v1" writer:"governance" readers: ["connectivity"] partitions: 1
  cleanup:CLEANUP_DELETE max_message_bytes:1000 also: ["city.audit.v1.AccessDenied"]
};
"""
GOOD_AUDIT = """
syntax = "proto3";
package city.audit.v1;
import "city/options/v1/options.proto";
message AccessDenied {
  option (city.options.v1.event) = {key: "rpc"};
  string rpc = 1;
}
"""
FILES = {
    "city/audit/v1/audit.proto": GOOD_AUDIT,
    "city/governance/v1/denials.proto": GOOD_DENIALS,
    "city/governance/v1/thing_service.proto": GOOD_SERVICE,
    "city/governance/v1/events.proto": GOOD_EVENTS,
    "city/shared/v1/shared.proto": GOOD_SHARED,
}


def found_in(folder: Path, old: str = "", new: str = "") -> list[str]:
    """What the check says of the good contracts with one place changed."""
    if old:
        assert sum(text.count(old) for text in FILES.values()) == 1, f"{old!r} must stand once"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text)
    return faults(compiled(folder))


def test_contracts_that_say_everything_pass(tmp_path: Path) -> None:
    assert found_in(tmp_path) == []


def test_the_city_s_own_contracts_pass() -> None:
    assert faults(compiled(PROTOS)) == []


ROLES = 'option (city.options.v1.access) = {allow: [CALLER_ROLE, CALLER_OWNER] roles: ["officer"]};'
BAD = {
    "an RPC without access": (ROLES, "", "OpenThing: no access option"),
    "an empty access": (ROLES, "option (city.options.v1.access) = {};", "OpenThing: no access option"),
    "an unspecified caller": ("[CALLER_AUTHENTICATED]", "[CALLER_UNSPECIFIED]", "ListThings: access allows CALLER_UNSPECIFIED"),
    "a role that is not named": (' roles: ["officer"]', "", "OpenThing: CALLER_ROLE and roles belong together"),
    "roles that nobody asks for": ("[CALLER_ROLE, CALLER_OWNER]", "[CALLER_OWNER]", "OpenThing: CALLER_ROLE and roles belong together"),
    "public and something else": ("[CALLER_PUBLIC]", "[CALLER_PUBLIC, CALLER_LAYER]", "WatchThing: CALLER_PUBLIC lets everybody in"),
    "a write that cannot be repeated": ("string request_id = 1;", "", "OpenThing: neither idempotency_level"),
    "a request_id that is no text": ("string request_id = 1;", "int64 request_id = 1;", "OpenThing: neither idempotency_level"),
    "a read with a request_id": ("message WatchThingRequest {", "message WatchThingRequest { string request_id = 2;", "WatchThing: NO_SIDE_EFFECTS needs no"),
    "a client stream": ("rpc OpenThing(OpenThingRequest)", "rpc OpenThing(stream OpenThingRequest)", "OpenThing: no client streaming"),
    "a stream without cursor": (
        "message WatchThingResponse { string cursor = 1; }",
        "message WatchThingResponse { string id = 1; }",
        "WatchThing: a stream that is cut",
    ),
    "a list without page_size": ("int32 page_size = 1;", "", "ListThings: ListThingsRequest needs int32 page_size"),
    "a list without page_token": ("string page_token = 2;", "", "ListThings: ListThingsRequest needs int32 page_size and string page_token"),
    "a list without next_page_token": ("string next_page_token = 2;", "", "ListThings: ListThingsResponse needs string next_page_token"),
    "a topic without writer": ('writer: "governance"', "", "events.proto: the topic says nothing of writer"),
    "a topic without readers": ('readers: ["policy", "data"]', "", "says nothing of readers"),
    "a topic without partitions": ("partitions: 4", "", "says nothing of partitions"),
    "a topic without cleanup": ("cleanup: CLEANUP_DELETE", "", "says nothing of cleanup"),
    "a topic without a limit": ("max_message_bytes: 1000", "", "says nothing of max_message_bytes"),
    "a foreign writer": ('writer: "governance"', 'writer: "policy"', "policy may not write a topic of governance"),
    "a reader that is no layer": ('"data"]', '"weather"]', "weather is no layer"),
    "everybody and somebody": ('"data"]', '"*"]', "`*` is every layer"),
    "a topic named for another": ('name: "city.governance.v1"', 'name: "city.policy.v1"', "must read city.governance"),
    "denials that nobody writes down": ('readers: ["connectivity"]', 'readers: ["data"]', "city.governance.v1: nobody hears what its RPCs deny"),
    "a negative retention": ("retention_hours: 24", "retention_hours: -1", "negative number"),
    "a carried message that is no event": ("city.shared.v1.ThingSaid", "city.shared.v1.Loose", "also lists city.shared.v1.Loose, which is no event"),
    "an event that no topic carries": (' also: ["city.shared.v1.ThingSaid"]', "", "city.shared.v1.ThingSaid: an event on no topic"),
    "an events file without topic": (
        GOOD_EVENTS[GOOD_EVENTS.index("option (") : GOOD_EVENTS.index("message ThingOpened")],
        "",
        "events.proto: no topic option",
    ),
    "a key that is not there": (
        '{key: "thing_id"};\n  string thing_id = 1;\n  map',
        '{key: "id"};\n  string thing_id = 1;\n  map',
        "ThingOpened: its key `id` is no string",
    ),
    "a key that is no text": ("string thing_id = 1;\n  map", "int32 thing_id = 1;\n  map", "ThingOpened: its key `thing_id` is no string"),
    "a stray among the events": ("message Part {", "message Stray {} message Part {", "Stray: neither an event nor used"),
    "an event about a person, deep inside": (
        "repeated Part inner = 2;",
        "repeated Part inner = 2; string phone = 3 [(city.options.v1.personal) = true];",
        "ThingOpened: an event may not carry personal city.governance.v1.Part.phone",
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), BAD.values(), ids=BAD.keys())
def test_a_contract_that_leaves_something_unsaid_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    found = found_in(tmp_path, old, new)
    assert any(re.search(re.escape(expected), line) for line in found), found


def test_one_topic_said_by_two_files_is_refused(tmp_path: Path) -> None:
    second = tmp_path / "city/governance/v1/more.proto"
    second.parent.mkdir(parents=True)
    second.write_text(GOOD_EVENTS.replace("ThingOpened", "Other").replace("Part", "Piece"))
    assert "topic city.governance.v1 is said by 2 files" in found_in(tmp_path)
