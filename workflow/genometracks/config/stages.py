"""The stages of a run in their order: each is a command, and its log has its name."""

STAGES = (
    "weights",
    "download",
    "model",
    "genome",
    "probe",
    "plan",
    "shards",
    "observed",
    "predict",
    "merge",
    "tracks",
    "bigwig",
    "parquet",
    "evaluate",
    "manifest",
    "summary",
)
