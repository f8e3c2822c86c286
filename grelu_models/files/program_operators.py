"""Operators that a program of another file may call, by their names in ATen.

Each computes a tensor (or a size) from its arguments. None reads a file, draws random numbers,
calls back into Python, or reinterprets memory. Needs no torch.
"""

__all__ = ["ATEN", "CHECKS", "INTEGERS", "is_in_place"]

INTEGERS = frozenset(
    f"_operator.{name}" for name in "add sub mul floordiv mod neg eq ne lt le gt ge".split()
)
"""Arithmetic of sizes, which occurs where an axis has no fixed length."""

CHECKS = frozenset(
    f"torch.ops.aten.{name}"
    for name in (
        "_assert_scalar.default _assert_tensor_metadata.default _assert_async.msg "
        "sym_constrain_range.default sym_constrain_range_for_size.default"
    ).split()
)
"""Assertions of the exporter, which are not run."""

NAMES = {
    "layers": """
        conv1d.default conv1d.padding conv2d.default conv2d.padding conv_transpose1d.default
        conv_transpose2d.input convolution.default linear.default addmm.default mm.default
        bmm.default baddbmm.default matmul.default dot.default einsum.default batch_norm.default
        _native_batch_norm_legit_no_training.default layer_norm.default native_layer_norm.default
        group_norm.default native_group_norm.default rms_norm.default dropout.default
        dropout_.default feature_dropout.default alpha_dropout.default gru.input lstm.input
        rnn_tanh.input rnn_relu.input scaled_dot_product_attention.default embedding.default
    """,
    "pools": """
        max_pool1d.default max_pool2d.default max_pool1d_with_indices.default
        max_pool2d_with_indices.default avg_pool1d.default avg_pool2d.default
        adaptive_avg_pool1d.default adaptive_max_pool1d.default adaptive_avg_pool2d.default
        _adaptive_avg_pool2d.default upsample_nearest1d.default upsample_nearest1d.vec
        upsample_linear1d.default upsample_linear1d.vec upsample_nearest2d.default
        upsample_nearest2d.vec upsample_bilinear2d.vec
    """,
    "activations": """
        relu.default relu_.default relu6.default relu6_.default leaky_relu.default
        leaky_relu_.default elu.default elu_.default selu.default selu_.default celu.default
        celu_.default gelu.default gelu_.default silu.default silu_.default mish.default
        mish_.default sigmoid.default sigmoid_.default tanh.default tanh_.default softplus.default
        hardtanh.default hardtanh_.default hardswish.default hardswish_.default
        hardsigmoid.default hardsigmoid_.default log_sigmoid.default prelu.default glu.default
        threshold.default softmax.int _softmax.default log_softmax.int _log_softmax.default
        _safe_softmax.default
    """,
    "arithmetic": """
        add.Tensor add.Scalar add_.Tensor add_.Scalar sub.Tensor sub.Scalar sub_.Tensor sub_.Scalar
        mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar div.Tensor div.Scalar div_.Tensor div_.Scalar
        div.Tensor_mode div.Scalar_mode rsub.Tensor rsub.Scalar remainder.Scalar remainder.Tensor
        floor_divide.default neg.default abs.default sign.default exp.default exp_.default
        expm1.default log.default log1p.default log2.default log10.default logaddexp.default
        sqrt.default rsqrt.default square.default pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar
        reciprocal.default sin.default cos.default tan.default atan.default sinh.default
        cosh.default erf.default floor.default ceil.default round.default trunc.default
        clamp.default clamp.Tensor clamp_.default clamp_min.default clamp_max.default
        minimum.default maximum.default addcmul.default addcdiv.default lerp.Scalar lerp.Tensor
    """,
    "choices": """
        eq.Scalar eq.Tensor ne.Scalar ne.Tensor gt.Scalar gt.Tensor ge.Scalar ge.Tensor lt.Scalar
        lt.Tensor le.Scalar le.Tensor where.self where.ScalarOther where.ScalarSelf where.Scalar
        logical_and.default logical_or.default logical_not.default bitwise_and.Tensor
        bitwise_or.Tensor bitwise_not.default masked_fill.Scalar masked_fill.Tensor
        masked_fill_.Scalar isnan.default isinf.default
    """,
    "reductions": """
        mean.default mean.dim sum.default sum.dim_IntList prod.dim_int max.default max.dim
        min.default min.dim max.other min.other amax.default amin.default argmax.default
        argmin.default var.default var.dim var.correction std.default std.dim std.correction
        var_mean.correction logsumexp.default cumsum.default any.default any.dim all.default
        all.dim linalg_vector_norm.default norm.ScalarOpt_dim
    """,
    "shapes": """
        view.default _unsafe_view.default reshape.default flatten.using_ints unflatten.int
        transpose.int permute.default t.default squeeze.default squeeze.dim squeeze.dims
        unsqueeze.default expand.default expand_as.default repeat.default repeat_interleave.self_int
        tile.default cat.default concat.default stack.default hstack.default slice.Tensor select.int
        split.Tensor split.sizes split_with_sizes.default chunk.default unbind.int narrow.default
        flip.default roll.default index_select.default index.Tensor gather.default pad.default
        constant_pad_nd.default unfold.default movedim.int movedim.intlist contiguous.default
        clone.default detach.default detach_.default alias.default lift_fresh_copy.default
        to.dtype to.device to.dtype_layout _to_copy.default type_as.default tril.default
        triu.default diagonal.default swapaxes.default view_as.default reshape_as.default
        sym_size.int
    """,
    "new": """
        zeros.default ones.default full.default arange.default arange.start arange.start_step
        zeros_like.default ones_like.default full_like.default new_zeros.default new_ones.default
        new_full.default scalar_tensor.default eye.default linspace.default
    """,
}

ATEN = frozenset(f"torch.ops.aten.{name}" for names in NAMES.values() for name in names.split())
"""As they are named in a program: `torch.ops.aten.{operator}.{overload}`."""


def is_in_place(target: str) -> bool:
    """Whether an operator of `ATEN` writes into its first argument.

    Examples
    --------
    >>> is_in_place("torch.ops.aten.relu_.default"), is_in_place("torch.ops.aten.relu.default")
    (True, False)
    """
    return target.split(".")[-2].endswith("_")
