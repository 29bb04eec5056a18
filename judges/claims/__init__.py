"""What feedback claims about the body, and whether two remarks claim the same; deterministic, without a network."""

from judges.claims.compare import BioClaim, compare
from judges.claims.extract import extract, understand
from judges.claims.records import Claim, Quantity, Span, Understood

__all__ = ["BioClaim", "Claim", "Quantity", "Span", "Understood", "compare", "extract", "understand"]
