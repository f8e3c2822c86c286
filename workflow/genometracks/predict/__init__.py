"""The prediction of one shard. Only this room and `preflight` import torch."""
