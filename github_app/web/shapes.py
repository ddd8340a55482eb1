"""What the API takes and gives, as OpenAPI describes it. Its descriptions are what docs/api.md is held to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from github_app.core.session import Kind, Status

MAX_WORDS = 20_000

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_WORDS)]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Start(_Asked):
    """Work to begin: on an issue that is there, or on one that Honk opens for what is asked. Or a report."""

    repository: str = Field(max_length=201, description="OWNER/NAME")
    issue: int | None = Field(None, ge=1, lt=2**31, description="an issue of it")
    text: Words | None = Field(
        None,
        description="what to say with it, as after `/honk` in a comment: `plan`, or words; or what to `review` for",
    )
    prompt: Words | None = Field(None, description="what to do, instead of an issue: becomes the text of a new one")
    title: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "", description="the title of that one (the first line of `prompt`)"
    )
    question: Words | None = Field(
        None,
        description="what to answer, with files and lines, and change nothing: about `issue`, which may be a pull "
        "request, or in a new issue",
    )
    review: int | None = Field(
        None, ge=1, lt=2**31, description="a pull request of it to remark on, anybody's; nothing is changed"
    )

    @model_validator(mode="after")
    def _one_thing(self) -> Start:
        is_at_issue = self.issue is not None or self.question is not None
        if (self.prompt is not None) + (self.review is not None) + is_at_issue != 1:
            raise ValueError("give one of `issue`, `prompt`, `question` (with an `issue` or without) and `review`")
        if self.text is not None and (self.prompt is not None or self.question is not None):
            raise ValueError("`text` goes with `issue` and `review`: else say it all in one")
        return self


class Message(_Asked):
    """Words to a session: an instruction, which joins a running turn between two steps, or a command."""

    text: Words = Field(description="as after `/honk` in a comment")


class SessionShape(BaseModel):
    """One issue's work, or one report."""

    session: str = Field(description="its id")
    kind: Kind = Field(description="what it comes to: a `change`; or a report, an `answer` or a `review`")
    repository: str
    title: str = Field(description="of its issue: somebody else's words")
    issue_url: str
    pull_url: str | None
    branch: str
    head_sha: str = Field(description="the last commit that Honk knows; empty before the first")
    status: Status = Field(description="who acts next: Honk, CI, people, or nobody any more")
    is_over: bool
    requested_by: str
    turns: int
    tokens: int
    usd: float = Field(description="what it has cost so far")


class ShownSession(SessionShape):
    """A session that is shown by itself has this, too."""

    report: str = Field(description="an answer or a review, once it is made, in Markdown; it quotes anybody")


class SessionList(BaseModel):
    """A page of the list, what changed last first."""

    sessions: list[SessionShape]
    next: str | None = Field(description="`cursor` of the next page; null on the last")


class EventShape(BaseModel):
    """One line of what is on record of a session."""

    number: int
    at: str
    kind: str
    text: str
    detail: str = Field(description="quoted from outside")
    is_bad: bool = Field(description="something failed or was refused")


class EventList(BaseModel):
    """What is on record after a number, and how the session stands."""

    events: list[EventShape]
    next: int = Field(description="`after` of the next call")
    status: Status
    is_over: bool = Field(description="nothing comes any more")


class RequestShape(BaseModel):
    """What became of something that was asked. It is decided on in its turn, as a comment would be."""

    request: str = Field(description="its id")
    state: Literal["waiting", "decided", "failed"] = Field(
        description="`waiting` to be decided on; `failed`: it could not be, and the issue says why"
    )
    why: str = Field(description="the decision's reason; empty before")
    repository: str
    issue_url: str
    session: str | None = Field(description="the session that it came to; null before, and where none began")


class Problem(BaseModel):
    """Why a call was not answered (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = Field(description="what to do about it")
