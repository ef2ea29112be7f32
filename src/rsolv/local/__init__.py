"""
Run a whole installation on one machine: an embedded PostgreSQL and the processes beside it.
"""

from rsolv.local.cluster import Cluster
from rsolv.local.errors import AlreadyRunning, ClusterFailed, LocalFailure, PortTaken

__all__ = ["AlreadyRunning", "Cluster", "ClusterFailed", "LocalFailure", "PortTaken"]
