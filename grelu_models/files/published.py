"""Published models: where their weights are, and their properties without reading the weights."""

from dataclasses import dataclass

__all__ = ["PUBLISHED", "Published"]


@dataclass(frozen=True)
class Published:
    """Published weights of a model, as converted and hosted by gReLU's authors.

    Attributes
    ----------
    repo, file : str
        On the Hugging Face hub; `file` may hold `{fold}`.
    tracks : int
        Channels of the published head.
    window : int
        Base pairs of the windows that it was trained on.
    activation : str
        Activation of the published head.
    """

    repo: str
    file: str
    tracks: int
    window: int
    activation: str


PUBLISHED = {
    "BorzoiPretrainedModel": Published(
        "Genentech/borzoi-model", "human_state_dict_rep{fold}.h5", 7611, 524_288, "softplus"
    ),
    "EnformerPretrainedModel": Published(
        "Genentech/enformer-model", "human_state_dict.h5", 5313, 196_608, "softplus"
    ),
}
"""By model_type. Linder et al. 2025, 10.1038/s41588-024-02053-6; Avsec et al. 2021, \
10.1038/s41592-021-01252-x."""
