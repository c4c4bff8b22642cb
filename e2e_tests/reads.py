"""A read of every layer, as a client with a deadline makes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from city.data.v1.data_products_service_pb2 import SearchDataProductsRequest
from city.data.v1.data_products_service_pb2_grpc import DataProductsServiceStub
from city.governance.v1.journey_service_pb2 import ListJourneysRequest, ProposeServiceRequest
from city.governance.v1.journey_service_pb2_grpc import JourneyServiceStub
from city.infrastructure.v1.pool_service_pb2 import ListPoolsRequest
from city.infrastructure.v1.pool_service_pb2_grpc import PoolServiceStub
from city.innovation.v1.idea_service_pb2 import ListIdeasRequest
from city.innovation.v1.idea_service_pb2_grpc import IdeaServiceStub
from city.journey.v1.holds_service_pb2 import ListHoldsRequest
from city.journey.v1.holds_service_pb2_grpc import HoldsServiceStub
from city.policy.v1.agreement_service_pb2 import ListAgreementsRequest
from city.policy.v1.agreement_service_pb2_grpc import AgreementServiceStub
from city.value_catalog.v1.catalog_service_pb2 import SearchServicesRequest
from city.value_catalog.v1.catalog_service_pb2_grpc import CatalogServiceStub
from stratapolis.chassis.ids import new_id

from e2e_tests.conftest import Town

SECONDS = 3.0
Call = Callable[[], Awaitable[Any]]


def reads(town: Town, replica: int = 0) -> dict[str, Call]:
    """One of each layer, asked of one of its processes."""
    city = town.city
    journeys = city.stub(JourneyServiceStub, "governance", as_=town.creator.founder, replica=replica)
    agreements = city.stub(AgreementServiceStub, "policy", replica=replica)
    products = city.stub(DataProductsServiceStub, "data", replica=replica)
    holds = city.stub(HoldsServiceStub, "connectivity", replica=replica)
    pools = city.stub(PoolServiceStub, "infrastructure", replica=replica)
    catalog = city.stub(CatalogServiceStub, "value_catalog", replica=replica)
    ideas = city.stub(IdeaServiceStub, "innovation", replica=replica)
    return {
        "governance": lambda: journeys.ListJourneys(ListJourneysRequest(page_size=1), timeout=SECONDS),
        "policy": lambda: agreements.ListAgreements(ListAgreementsRequest(page_size=1), timeout=SECONDS),
        "data": lambda: products.SearchDataProducts(SearchDataProductsRequest(page_size=1), timeout=SECONDS),
        "connectivity": lambda: holds.ListHolds(ListHoldsRequest(page_size=1), timeout=SECONDS),
        "infrastructure": lambda: pools.ListPools(ListPoolsRequest(page_size=1), timeout=SECONDS),
        "value_catalog": lambda: catalog.SearchServices(SearchServicesRequest(query="street", page_size=1), timeout=SECONDS),
        "innovation": lambda: ideas.ListIdeas(ListIdeasRequest(page_size=1), timeout=SECONDS),
    }


def a_proposal(town: Town, replica: int = 0) -> Call:
    """A write of governance: each call proposes a new service."""
    journeys = town.city.stub(JourneyServiceStub, "governance", as_=town.creator.founder, replica=replica)
    return lambda: journeys.ProposeService(ProposeServiceRequest(request_id=new_id(), manifest_yaml=town.manifest()), timeout=SECONDS)
