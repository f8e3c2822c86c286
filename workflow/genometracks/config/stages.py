"""The stages of a run, in order. Each is a command of the same name, with a log of that name."""

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
