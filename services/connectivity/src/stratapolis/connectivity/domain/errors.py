"""Refusals of connectivity, named after the refused fact. Texts never tell another owner's object from one that is not there."""

from __future__ import annotations

from stratapolis.chassis.errors import Kind, Refused


class IdentityNotFound(Refused):
    """There is no such identity, or it is another owner's."""

    reason = "IDENTITY_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, subject: str) -> None:
        super().__init__(f"there is no identity {subject}", subject=subject)


class IdentityNotActive(Refused):
    """The identity cannot do this in its state."""

    reason = "IDENTITY_NOT_ACTIVE"

    def __init__(self, subject: str, state: str) -> None:
        super().__init__(f"identity {subject} is {state}, not active", subject=subject, state=state)


class IdentityRevoked(Refused):
    """Revoked is for good."""

    reason = "IDENTITY_REVOKED"

    def __init__(self, subject: str) -> None:
        super().__init__(f"identity {subject} is revoked for good; enrol another", subject=subject)


class NotSuspended(Refused):
    """Only a suspended identity can be resumed."""

    reason = "NOT_SUSPENDED"

    def __init__(self, subject: str, state: str) -> None:
        super().__init__(f"identity {subject} is {state}, not suspended", subject=subject, state=state)


class SuspendedByCity(Refused):
    """What an officer or operator has suspended, the owner cannot resume."""

    reason = "SUSPENDED_BY_CITY"
    kind = Kind.DENIED

    def __init__(self, subject: str) -> None:
        super().__init__(f"identity {subject} was suspended by the city; ask an officer or operator", subject=subject)


class NotAMember(Refused):
    """Only members of a value creator enrol for it."""

    reason = "NOT_A_MEMBER"
    kind = Kind.DENIED

    def __init__(self) -> None:
        super().__init__("only members of the value creator, officers and operators do this")


class KindNotYours(Refused):
    """Only officers and operators enrol persons."""

    reason = "KIND_NOT_YOURS"
    kind = Kind.DENIED

    def __init__(self) -> None:
        super().__init__("only officers and operators enrol persons; members of a value creator enrol things and systems")


class CreatorUnknown(Refused):
    """No value creator of that id is accepted and not suspended."""

    reason = "CREATOR_UNKNOWN"

    def __init__(self, creator: str) -> None:
        super().__init__(f"there is no value creator {creator} that may enrol", creator=creator)


class PersonHasNoCreator(Refused):
    """Membership is governance's to give."""

    reason = "PERSON_HAS_NO_CREATOR"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("a person belongs to no value creator; add the person as a member instead", field="creator")


class ThingHasNoRoles(Refused):
    """A thing cannot have roles of the city."""

    reason = "THING_HAS_NO_ROLES"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is a thing and cannot have roles of the city", subject=subject)


class LastOfficer(Refused):
    """The city keeps an active officer."""

    reason = "LAST_OFFICER"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is the only active officer; make another one first", subject=subject)


class AlreadyFounded(Refused):
    """A city is founded once."""

    reason = "ALREADY_FOUNDED"

    def __init__(self) -> None:
        super().__init__("the city is founded; its officers enrol everybody else")


class KeyNotUsable(Refused):
    """The public key is no Ed25519 key in PEM."""

    reason = "KEY_NOT_USABLE"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("public_key_pem: give an Ed25519 public key as PEM (SubjectPublicKeyInfo)", field="public_key_pem")


class KeyKnown(Refused):
    """A key is registered once for an identity, and never again after its end."""

    reason = "KEY_KNOWN"
    kind = Kind.EXISTS

    def __init__(self, thumbprint: str) -> None:
        super().__init__("the identity has had this key already; make a new pair", thumbprint=thumbprint)


class TooManyKeys(Refused):
    """Few keys count at a time."""

    reason = "TOO_MANY_KEYS"
    kind = Kind.EXHAUSTED

    def __init__(self, most: int) -> None:
        super().__init__(f"the identity has {most} keys that count; revoke one first", most=str(most))


class CredentialNotFound(Refused):
    """There is no such credential, or it is another owner's."""

    reason = "CREDENTIAL_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, credential_id: str) -> None:
        super().__init__(f"there is no credential {credential_id}", credential_id=credential_id)


class LastCredential(Refused):
    """An active identity keeps a key."""

    reason = "LAST_CREDENTIAL"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} would have no key left; issue another first, or revoke the identity", subject=subject)


class NotInfrastructure(Refused):
    """Only infrastructure runs services' software."""

    reason = "NOT_INFRASTRUCTURE"
    kind = Kind.DENIED

    def __init__(self) -> None:
        super().__init__("only infrastructure activates the systems of services")


class SystemNotFound(Refused):
    """No journey has asked for this service's system."""

    reason = "SYSTEM_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, service_id: str) -> None:
        super().__init__(f"no journey has asked for a system of service {service_id}", service_id=service_id)


class ConnectionNotFound(Refused):
    """There is no such connection, or it is another owner's."""

    reason = "CONNECTION_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"there is no connection {connection_id}", connection_id=connection_id)


class ConnectionSevered(Refused):
    """A connection is cut once, for good."""

    reason = "CONNECTION_SEVERED"

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"connection {connection_id} is severed already", connection_id=connection_id)


class ConnectionExists(Refused):
    """One open connection for each subject, target and scope."""

    reason = "CONNECTION_EXISTS"
    kind = Kind.EXISTS

    def __init__(self, connection_id: str) -> None:
        super().__init__("the subject is connected to the target for that scope already", connection_id=connection_id)


class TargetNotYours(Refused):
    """Only officers and operators connect to a layer."""

    reason = "TARGET_NOT_YOURS"
    kind = Kind.DENIED

    def __init__(self, target: str) -> None:
        super().__init__(f"only officers and operators connect to the layer {target}; propose a service that uses it", target=target)


class EndOutOfRange(Refused):
    """Trust is given for a time."""

    reason = "END_OUT_OF_RANGE"
    kind = Kind.INVALID

    def __init__(self) -> None:
        super().__init__("end_time: must lie ahead, at most five years", field="end_time")


class DeviceNotFound(Refused):
    """There is no such device, or it is another owner's."""

    reason = "DEVICE_NOT_FOUND"
    kind = Kind.NOT_FOUND

    def __init__(self, thing: str) -> None:
        super().__init__(f"there is no device {thing}", thing=thing)


class NotAThing(Refused):
    """Only a thing can be a device."""

    reason = "NOT_A_THING"

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} is no thing", subject=subject)


class BodyNotUsable(Refused):
    """The body is not what the ingress takes."""

    reason = "BODY_NOT_USABLE"
    kind = Kind.INVALID


class BatchTooLarge(Refused):
    """Too many bytes or observations at once."""

    reason = "BATCH_TOO_LARGE"
    kind = Kind.EXHAUSTED


class RateExceeded(Refused):
    """Too many in too short a time."""

    reason = "RATE_EXCEEDED"
    kind = Kind.EXHAUSTED

    def __init__(self, wait_seconds: int) -> None:
        super().__init__(f"too many in too short a time; try again in {wait_seconds} s", retry_after=str(wait_seconds))
        self.wait_seconds = wait_seconds


class DeviceNotRegistered(Refused):
    """The ingress takes observations of registered devices alone."""

    reason = "DEVICE_NOT_REGISTERED"
    kind = Kind.DENIED

    def __init__(self) -> None:
        super().__init__("the caller is no registered device")
