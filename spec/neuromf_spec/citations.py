"""Short names for the sources that laws cite."""

from __future__ import annotations

from neuromf_spec.law import Source


def _arxiv(identifier: str, place: str) -> Source:
    return Source(reference=f"arXiv:{identifier}", place=place)


def meanflow(place: str) -> Source:
    """Geng, Deng, Bai, Kolter, He: Mean Flows for One-step Generative Modeling."""
    return _arxiv("2505.13447v1", place)


def improved_meanflow(place: str) -> Source:
    """Geng et al.: Improved Mean Flows."""
    return _arxiv("2512.02012v1", place)


def pixel_meanflow(place: str) -> Source:
    """Lu et al.: One-step Latent-free Image Generation with Pixel Mean Flows."""
    return _arxiv("2601.22158v1", place)


def flow_matching(place: str) -> Source:
    """Lipman et al.: Flow Matching for Generative Modeling."""
    return _arxiv("2210.02747v2", place)


def adam(place: str) -> Source:
    """Kingma, Ba: Adam."""
    return _arxiv("1412.6980v9", place)


def review(place: str) -> Source:
    """The review of the lost 225-epoch run that asked for this harness."""
    return Source(reference="review", place=place)


def public_code(place: str) -> Source:
    """The public code of the lost run; files and lines as of its last commit unless `place` names another."""
    return Source(reference="MarioPasc/neuromf@5506f8a", place=place)


def measured(place: str) -> Source:
    """A number measured in this repository; `place` names the test that repeats it."""
    return Source(reference="measured here", place=place)


def published(place: str) -> Source:
    """A public run with a known outcome; `place` names the repository and what it reports."""
    return Source(reference="published runs", place=place)
