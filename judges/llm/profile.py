"""What tells one kind of judge from another: how it asks, how it reads, how samples become a verdict."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar

from biobench.chat.probe import Capabilities
from biobench.chat.records import Reply, Request
from judges.llm.items import Question
from judges.llm.replies import Fault, ScoreMass
from judges.llm.verdicts import Answer, Verdict

__all__ = ["Profile"]


class Profile(ABC):
    """One judge, whatever model answers."""

    name: ClassVar[str]
    sends_schema: ClassVar[bool]
    """Whether the endpoint has to be probed before it is asked."""

    @abstractmethod
    def request(self, question: Question, sample: int, samples: int, capabilities: Capabilities | None) -> Request:
        """The request for one of several samples, numbered from 0."""

    @abstractmethod
    def read(self, reply: Reply) -> object:
        """A reading of the profile's own, or a ``Fault``."""

    @abstractmethod
    def verdict(self, question: Question, answers: Sequence[Answer]) -> Verdict:
        """What all samples of a question come to."""

    @abstractmethod
    def signature(self) -> Mapping[str, str]:
        """What can change a score, but for the model and the number of samples."""

    def repair(self, request: Request, reply: Reply, fault: Fault) -> Request | None:  # noqa: ARG002 - there may be none
        """The turn that asks once more; None where the profile has none, or where it can't help."""
        return None

    def mass(self, reply: Reply) -> ScoreMass | None:  # noqa: ARG002 - there may be none
        """What the log probabilities say of the score."""
        return None
