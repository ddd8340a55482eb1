"""What CI makes of a commit: artifacts of workflow runs, and deployments."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from .values import User, WorkflowRun


@dataclass(eq=False)
class Artifact:
    """What a run left: `content` is the archive that GitHub gives."""

    id: int
    run: WorkflowRun
    name: str
    content: bytes
    created_at: datetime
    expires_at: datetime

    @property
    def digest(self) -> str:
        """The archive's, as GitHub writes it."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


@dataclass(eq=False)
class DeploymentStatus:
    """What was said last of a deployment."""

    id: int
    state: str
    environment_url: str
    creator: User
    created_at: datetime


@dataclass(eq=False)
class Deployment:
    """A commit on its way to an environment, or there."""

    id: int
    sha: str
    ref: str
    environment: str
    creator: User
    created_at: datetime
    statuses: list[DeploymentStatus] = field(default_factory=list)
