"""Refusals, named after the refused fact."""

from __future__ import annotations

from stratapolis.chassis.errors import Kind, Refused


class PoolNotFound(Refused):
    """There is no pool of this name."""

    reason = "POOL_NOT_FOUND"
    kind = Kind.NOT_FOUND


class PoolBelowHeld(Refused):
    """A pool cannot be made smaller than what is held of it."""

    reason = "POOL_BELOW_HELD"


class FolderNotAllowed(Refused):
    """The folder is not below one of the city's roots for artefacts."""

    reason = "FOLDER_NOT_ALLOWED"
    kind = Kind.DENIED


class FolderNotUsable(Refused):
    """The folder is missing, empty, too large, or has links or special files."""

    reason = "FOLDER_NOT_USABLE"
    kind = Kind.INVALID


class SumMismatch(Refused):
    """The folder's files do not have the sum that was stated."""

    reason = "SUM_MISMATCH"


class DeploymentNotFound(Refused):
    """There is no such deployment, or it is another owner's: both read alike."""

    reason = "DEPLOYMENT_NOT_FOUND"
    kind = Kind.NOT_FOUND
