"""Top-k accuracy and average precision by plain loops: what `evaluation.sites` is compared with."""

from collections.abc import Sequence


def top_k(values: Sequence[float], labels: Sequence[bool]) -> float:
    """Expected part of positives among the k greatest values, ties in a random order."""
    k = sum(labels)
    if not k:
        return float("nan")
    limit = sorted(values, reverse=True)[k - 1]
    above = [label for value, label in zip(values, labels, strict=True) if value > limit]
    tied = [label for value, label in zip(values, labels, strict=True) if value == limit]
    return (sum(above) + (k - len(above)) * sum(tied) / len(tied)) / k


def average_precision(values: Sequence[float], labels: Sequence[bool]) -> float:
    """The sum over all thresholds of the increase of recall times the precision."""
    k = sum(labels)
    total = 0.0
    for limit in set(values):
        chosen = [label for value, label in zip(values, labels, strict=True) if value >= limit]
        new = [label for value, label in zip(values, labels, strict=True) if value == limit]
        total += sum(new) / k * sum(chosen) / len(chosen) if k else 0.0
    return total if k else float("nan")
