"""Models of borzoi-pytorch 0.5.1 and enformer-pytorch 0.8.11.

A package is needed only to build one of its models. flash-attn, which has no CPU version, is never
needed: a plain layer replaces its own.
"""

import sys
from types import ModuleType
from unittest import mock

import torch
from einops import rearrange
from torch import Tensor, nn

# The channels of Borzoi are fixed: only its heads and its depth can be small.
BORZOI = {"depth": 1, "bins_to_return": 80}
ENFORMER = {"dim": 384, "depth": 2, "heads": 4, "num_downsamples": 4, "attn_dim_key": 6}
HEADS = {"human": 3, "mouse": 2}


class PlainMHA(nn.Module):
    """`MHA` of flash-attn with grouped keys and values, written out head by head.

    The projection gives the heads of the queries, then keys, then values, each of adjacent
    channels; adjacent query heads share a key and value head; rotary positions rotate channel i of
    a head with channel i + rotary_emb_dim / 2.
    """

    def __init__(
        self,
        embed_dim,
        num_heads,
        num_heads_kv,
        rotary_emb_dim,
        rotary_emb_base,
        softmax_scale,
        dropout,
        use_flash_attn,
        qkv_proj_bias,
        out_proj_bias,
        causal,
        rotary_emb_scale_base,
        fused_bias_fc,
    ) -> None:
        super().__init__()
        assert use_flash_attn and not causal and rotary_emb_scale_base is None
        self.queries, self.keys, self.width = num_heads, num_heads_kv, embed_dim // num_heads
        self.scale = softmax_scale
        self.rotary_dim, self.base = rotary_emb_dim, rotary_emb_base
        heads = num_heads + 2 * num_heads_kv
        self.Wqkv = nn.Linear(embed_dim, heads * self.width, bias=qkv_proj_bias)
        self.out_proj = nn.Linear(embed_dim, embed_dim, bias=out_proj_bias)

    def turn(self, head: Tensor) -> Tensor:
        """Rotate a head (N, L, width): pairs of channels as complex numbers."""
        half = self.rotary_dim // 2
        speed = self.base ** (-2 * torch.arange(half) / self.rotary_dim)
        angle = torch.arange(head.shape[1])[:, None] * speed
        turned = torch.complex(head[..., :half], head[..., half : 2 * half])
        turned = turned * torch.polar(torch.ones_like(angle), angle)
        return torch.cat([turned.real, turned.imag, head[..., 2 * half :]], dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        heads = list(self.Wqkv(x).split(self.width, dim=-1))
        queries, rest = heads[: self.queries], heads[self.queries :]
        keys, values = rest[: self.keys], rest[self.keys :]
        group = self.queries // self.keys
        out = []
        for i, query in enumerate(queries):
            logits = self.turn(query) @ self.turn(keys[i // group]).mT * self.scale
            out.append(logits.softmax(dim=-1) @ values[i // group])
        return self.out_proj(torch.cat(out, dim=-1))


def make_borzoi(*, flashed: bool, heads: dict[str, int] = HEADS, **config) -> nn.Module:
    """Build a model of borzoi-pytorch, with heads cut to some tracks as by `set_track_subset`."""
    from borzoi_pytorch.config_borzoi import BorzoiConfig
    from borzoi_pytorch.pytorch_borzoi_model import Borzoi

    names = ["flash_attn", "flash_attn.modules", "flash_attn.modules.mha"]
    modules = {name: ModuleType(name) for name in names}
    modules[names[-1]].MHA = PlainMHA
    config = BORZOI | config | {"flashed": flashed, "enable_mouse_head": False}
    with mock.patch.dict(sys.modules, modules):
        model = Borzoi(BorzoiConfig(**config, enable_human_head=False))
    for head, tracks in heads.items():
        setattr(model, f"{head}_head", nn.Conv1d(1920, tracks, 1))
    return model.eval()


def make_enformer(**config) -> nn.Module:
    """Build a model of enformer-pytorch; it returns all bins unless `target_length` is given."""
    from enformer_pytorch.config_enformer import EnformerConfig
    from enformer_pytorch.modeling_enformer import Enformer

    config = {"output_heads": HEADS, "target_length": -1, **ENFORMER, **config}
    return Enformer(EnformerConfig(**config)).eval()


def evaluate(model: nn.Module, x: Tensor, head: str) -> Tensor:
    """Predict the tracks of a head from bases (N, 4, L): (N, tracks, bins)."""
    with torch.inference_mode():
        if "output_heads" in model.config.to_dict():
            return rearrange(model(rearrange(x, "n c l -> n l c"))[head], "n l t -> n t l")
        return model(x, is_human=head == "human")
