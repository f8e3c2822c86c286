"""The papers of published models, to be cited for what is computed with them."""

from grelu_models.files.metadata import Architecture

__all__ = ["BPNET", "CHROMBPNET", "SPLICEAI", "cite"]

BORZOI = "Linder et al. 2025, doi:10.1038/s41588-024-02053-6"
BPNET = "Avsec et al. 2021, doi:10.1038/s41588-021-00782-6"
CHROMBPNET = "Pampari et al. 2024, doi:10.1101/2024.12.25.630221"
ENFORMER = "Avsec et al. 2021, doi:10.1038/s41592-021-01252-x"
EXPLAINN = "Novakovsky et al. 2023, doi:10.1186/s13059-023-02985-y"
FLASHZOI = "Hingerl et al. 2024, doi:10.1101/2024.12.18.629121"
SPLICEAI = "Jaganathan et al. 2019, doi:10.1016/j.cell.2018.12.015"

CLASSES = {
    "BorzoiModel": BORZOI,
    "BorzoiPretrainedModel": BORZOI,
    "EnformerModel": ENFORMER,
    "EnformerPretrainedModel": ENFORMER,
    "ExplaiNNModel": EXPLAINN,
}
"""By gReLU's class; the others have no paper of their own."""


def cite(architecture: Architecture) -> str | None:
    """Return the papers of a model of gReLU's classes; None if there are none.

    Examples
    --------
    >>> cite({"model_type": "BorzoiModel", "flash_attn": "flashzoi"}).count("doi:")
    2
    """
    paper = CLASSES.get(architecture["model_type"])
    if paper and architecture.get("flash_attn") == "flashzoi":
        return f"{FLASHZOI}; {paper}"
    return paper
