"""Connectivity's HTTP faces: OAuth 2 and the ingress of things."""

from stratapolis.connectivity.routes.ingress import Ingress
from stratapolis.connectivity.routes.oauth import OAuth

__all__ = ["Ingress", "OAuth"]
