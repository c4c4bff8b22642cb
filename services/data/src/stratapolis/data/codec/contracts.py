"""Contracts and disclosures."""

from city.data.v1 import data_contracts_service_pb2 as pb
from city.data.v1.events_pb2 import DataContractGranted, DataContractRevoked
from city.journey.v1.journey_pb2 import Held, Reason
from stratapolis.chassis import holds
from stratapolis.chassis.errors import Refused
from stratapolis.chassis.times import to_timestamp
from stratapolis.data.domain.contract import Contract, ContractState
from stratapolis.data.store.contracts import Disclosure

STATE = {
    ContractState.HELD: pb.DATA_CONTRACT_STATE_HELD,
    ContractState.GRANTED: pb.DATA_CONTRACT_STATE_GRANTED,
    ContractState.REVOKED: pb.DATA_CONTRACT_STATE_REVOKED,
    ContractState.ENDED: pb.DATA_CONTRACT_STATE_ENDED,
    ContractState.RELEASED: pb.DATA_CONTRACT_STATE_RELEASED,
}
STATE_OF = {number: word for word, number in STATE.items()}


def contract_shown(contract: Contract) -> pb.DataContract:
    """A contract."""
    return pb.DataContract(
        contract_id=contract.contract_id,
        product=contract.product,
        service_id=contract.service_id,
        owner=contract.owner,
        purpose=contract.purpose,
        start_time=to_timestamp(contract.start_at),
        end_time=to_timestamp(contract.end_at),
        state=STATE[contract.state],
        reason=contract.reason,
        journey_id=contract.journey_id,
        create_time=to_timestamp(contract.created_at),
    )


def disclosure_shown(disclosure: Disclosure) -> pb.Disclosure:
    """A disclosure."""
    return pb.Disclosure(
        contract_id=disclosure.contract_id,
        product=disclosure.product,
        service_id=disclosure.service_id,
        subject=disclosure.subject,
        purpose=disclosure.purpose,
        rpc=disclosure.rpc,
        observations=disclosure.observations,
        disclose_time=to_timestamp(disclosure.disclosed_at),
    )


def granted(contract: Contract) -> DataContractGranted:
    """The fact that a contract counts from now."""
    return DataContractGranted(
        contract_id=contract.contract_id,
        product=contract.product,
        service_id=contract.service_id,
        purpose=contract.purpose,
        end_time=to_timestamp(contract.end_at),
    )


def revoked(contract: Contract) -> DataContractRevoked:
    """The fact that a contract counts no more."""
    return DataContractRevoked(contract_id=contract.contract_id, product=contract.product, service_id=contract.service_id, reason=contract.reason)


def held(contract: Contract) -> Held:
    """A contract as something held for a journey."""
    return Held(kind="contract", reference=contract.product, amount=f"{contract.purpose}, until {contract.end_at:%Y-%m-%dT%H:%MZ}")


def reason(refusal: Refused, number: int) -> Reason:
    """A refusal of a manifest's data use as a reason of the clearance."""
    field, hint = refusal.details.get("field", "product"), refusal.details.get("hint", "")
    return holds.reason("data", refusal.reason, refusal.message, field_path=f"spec.data[{number}].{field}", hint=hint)
