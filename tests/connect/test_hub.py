"""Configs of public models as their hubs hold them, shortened to keys that matter and some that do not, and bad ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terp.connect import MODEL_TYPES, read_config
from terp.describe import read_model
from terp.errors import Problems
from terp.physics.neural.families import work_of

NANO = "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME"
LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": 4096,
    "intermediate_size": 14336, "max_position_embeddings": 131072, "num_attention_heads": 32, "num_hidden_layers": 32,
    "num_key_value_heads": 8, "rms_norm_eps": 1e-05, "rope_scaling": {"factor": 8.0, "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": False, "torch_dtype": "bfloat16", "vocab_size": 128256,
}  # fmt: skip
CONFIGS = {  # shipped model -> its config.json
    "llama-3.1-8b": LLAMA,
    "llama-2-7b": {
        "model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 32, "vocab_size": 32000, "pad_token_id": 0,
    },
    "mistral-7b": {
        "model_type": "mistral", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 8, "sliding_window": 4096, "vocab_size": 32000,
    },
    "mixtral-8x7b": {
        "model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336, "num_attention_heads": 32,
        "num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
        "sliding_window": None, "vocab_size": 32000,
    },
    "qwen3-8b": {
        "model_type": "qwen3", "attention_bias": False, "head_dim": 128, "hidden_size": 4096, "intermediate_size": 12288,
        "max_window_layers": 36, "num_attention_heads": 32, "num_hidden_layers": 36, "num_key_value_heads": 8,
        "sliding_window": None, "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size": 151936,
    },
    "qwen3-30b-a3b": {
        "model_type": "qwen3_moe", "decoder_sparse_step": 1, "head_dim": 128, "hidden_size": 2048,
        "intermediate_size": 6144, "max_window_layers": 48, "mlp_only_layers": [], "moe_intermediate_size": 768,
        "num_attention_heads": 32, "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
        "num_key_value_heads": 4, "use_sliding_window": False, "vocab_size": 151936,
    },
    "gpt-neox-20b": {
        "model_type": "gpt_neox", "hidden_size": 6144, "intermediate_size": 24576, "num_attention_heads": 64,
        "num_hidden_layers": 44, "rotary_pct": 0.25, "tie_word_embeddings": False, "vocab_size": 50432,
    },
    "bloom-176b": {
        "model_type": "bloom", "n_embed": 14336, "n_layer": 70, "num_attention_heads": 112, "vocab_size": 250880,
        "n_inner": None, "pretraining_tp": 4, "slow_but_exact": False,
    },
    "opt-175b": {
        "model_type": "opt", "ffn_dim": 49152, "hidden_size": 12288, "max_position_embeddings": 2048,
        "num_attention_heads": 96, "num_hidden_layers": 96, "vocab_size": 50272, "word_embed_proj_dim": 12288,
    },
    "falcon-40b": {
        "model_type": "falcon", "alibi": False, "bias": False, "hidden_size": 8192, "multi_query": True,
        "new_decoder_architecture": True, "num_attention_heads": 128, "num_hidden_layers": 60, "num_kv_heads": 8,
        "parallel_attn": True, "vocab_size": 65024,
    },
    "bert-large": {
        "model_type": "bert", "hidden_size": 1024, "intermediate_size": 4096, "max_position_embeddings": 512,
        "num_attention_heads": 16, "num_hidden_layers": 24, "type_vocab_size": 2, "vocab_size": 30522,
    },
    "esm2-650m": {
        "model_type": "esm", "emb_layer_norm_before": False, "hidden_size": 1280, "intermediate_size": 5120,
        "max_position_embeddings": 1026, "num_attention_heads": 20, "num_hidden_layers": 33,
        "position_embedding_type": "rotary", "token_dropout": True, "vocab_size": 33,
    },
    "phi-3-medium": {
        "model_type": "phi3", "hidden_size": 5120, "intermediate_size": 17920, "num_attention_heads": 40,
        "num_hidden_layers": 40, "num_key_value_heads": 10, "sliding_window": None, "vocab_size": 32064,
    },
    "gemma-2-9b": {
        "model_type": "gemma2", "attn_logit_softcapping": 50.0, "head_dim": 256, "hidden_size": 3584,
        "intermediate_size": 14336, "num_attention_heads": 16, "num_hidden_layers": 42, "num_key_value_heads": 8,
        "sliding_window": 4096, "vocab_size": 256000,
    },
    "deepseek-v3": {
        "model_type": "deepseek_v3", "first_k_dense_replace": 3, "hidden_size": 7168, "intermediate_size": 18432,
        "kv_lora_rank": 512, "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_group": 8, "n_routed_experts": 256,
        "n_shared_experts": 1, "num_attention_heads": 128, "num_experts_per_tok": 8, "num_hidden_layers": 61,
        "num_key_value_heads": 128, "num_nextn_predict_layers": 1, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "tie_word_embeddings": False, "v_head_dim": 128, "vocab_size": 129280,
    },
    "kimi-k2": {
        "model_type": "kimi_k2", "first_k_dense_replace": 1, "hidden_size": 7168, "intermediate_size": 18432,
        "kv_lora_rank": 512, "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_routed_experts": 384,
        "n_shared_experts": 1, "num_attention_heads": 64, "num_experts_per_tok": 8, "num_hidden_layers": 61,
        "num_key_value_heads": 64, "num_nextn_predict_layers": 0, "q_lora_rank": 1536, "qk_nope_head_dim": 128,
        "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 163840,
    },
    "gpt-oss-120b": {
        "model_type": "gpt_oss", "attention_bias": True, "experts_per_token": 4, "head_dim": 64, "hidden_size": 2880,
        "intermediate_size": 2880, "layer_types": ["sliding_attention", "full_attention"] * 18,
        "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 36, "num_key_value_heads": 8,
        "num_local_experts": 128, "sliding_window": 128, "swiglu_limit": 7.0, "vocab_size": 201088,
    },
    "llama-4-maverick": {
        "architectures": ["Llama4ForConditionalGeneration"], "model_type": "llama4", "image_token_index": 200092,
        "text_config": {
            "model_type": "llama4_text", "attention_chunk_size": 8192, "head_dim": 128, "hidden_size": 5120,
            "interleave_moe_layer_step": 2, "intermediate_size": 8192, "intermediate_size_mlp": 16384,
            "no_rope_layers": [], "num_attention_heads": 40, "num_experts_per_tok": 1, "num_hidden_layers": 48,
            "num_key_value_heads": 8, "num_local_experts": 128, "use_qk_norm": False, "vocab_size": 202048,
        },
        "vision_config": {"model_type": "llama4_vision_model", "hidden_size": 1408, "image_size": 336},
    },
    "nemotron-4-15b": {
        "model_type": "nemotron", "hidden_act": "relu2", "hidden_size": 6144, "intermediate_size": 24576,
        "num_attention_heads": 48, "num_hidden_layers": 32, "num_key_value_heads": 8, "partial_rotary_factor": 0.5,
        "vocab_size": 256000,
    },
    "nemotron-h-8b": {
        "model_type": "nemotron_h", "conv_kernel": 4, "hidden_size": 4096, "intermediate_size": 21504,
        "hybrid_override_pattern": "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-", "mamba_head_dim": 64,
        "mamba_num_heads": 128, "n_groups": 8, "num_attention_heads": 32, "num_hidden_layers": 52,
        "num_key_value_heads": 8, "ssm_state_size": 128, "vocab_size": 131072,
    },
    "nemotron-3-nano": {
        "model_type": "nemotron_h", "chunk_size": 128, "conv_kernel": 4, "expand": 2, "head_dim": 128,
        "hidden_size": 2688, "hybrid_override_pattern": NANO, "intermediate_size": 1856, "mamba_head_dim": 64,
        "mamba_num_heads": 64, "moe_intermediate_size": 1856, "moe_shared_expert_intermediate_size": 3712,
        "n_groups": 8, "n_routed_experts": 128, "n_shared_experts": 1, "num_attention_heads": 32,
        "num_experts_per_tok": 6, "num_hidden_layers": 52, "num_key_value_heads": 2, "ssm_state_size": 128,
        "tie_word_embeddings": False, "vocab_size": 131072,
    },
    "mamba2-2.7b": {
        "model_type": "mamba2", "chunk_size": 256, "conv_kernel": 4, "expand": 2, "head_dim": 64, "hidden_size": 2560,
        "n_groups": 1, "num_heads": 80, "num_hidden_layers": 64, "state_size": 128, "tie_word_embeddings": True,
        "vocab_size": 50288,
    },
    "vit-b-16": {
        "model_type": "vit", "hidden_size": 768, "image_size": 224, "intermediate_size": 3072, "num_attention_heads": 12,
        "num_channels": 3, "num_hidden_layers": 12, "patch_size": 16,
        "id2label": {str(index): f"class {index}" for index in range(1000)},
    },
    "grok-1": {
        "model_type": "grok-1", "head_dim": 128, "hidden_size": 6144, "intermediate_size": 32768,
        "num_attention_heads": 48, "num_experts": 8, "num_experts_per_tok": 2, "num_hidden_layers": 64,
        "num_key_value_heads": 8, "vocab_size": 131072,
    },
    "internlm-7b": {
        "model_type": "internlm", "bias": True, "hidden_size": 4096, "intermediate_size": 11008,
        "num_attention_heads": 32, "num_hidden_layers": 32, "vocab_size": 103168,
    },
}  # fmt: skip
OTHERS = {  # models that do not ship: config.json, parameters as their makers or the hub count them, and how near we come
    "gpt2": (
        {"model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024,
         "vocab_size": 50257}, 124_439_808, 0.002,
    ),
    "starcoder": (
        {"model_type": "gpt_bigcode", "multi_query": True, "n_embd": 6144, "n_head": 48, "n_inner": 24576, "n_layer": 40,
         "n_positions": 8192, "vocab_size": 49152}, 15_517_456_384, 0.002,
    ),
    "mpt-7b": (
        {"model_type": "mpt", "attn_config": {"alibi": True, "attn_impl": "torch"}, "d_model": 4096,
         "expansion_ratio": 4, "learned_pos_emb": True, "max_seq_len": 2048, "n_heads": 32, "n_layers": 32,
         "no_bias": True, "vocab_size": 50432}, 6_649_286_656, 0.0001,
    ),
    "falcon-7b": (
        {"model_type": "falcon", "hidden_size": 4544, "multi_query": True, "new_decoder_architecture": False,
         "num_attention_heads": 71, "num_hidden_layers": 32, "vocab_size": 65024}, 6_921_720_704, 0.001,
    ),
    "roberta-large": (
        {"model_type": "roberta", "hidden_size": 1024, "intermediate_size": 4096, "max_position_embeddings": 514,
         "num_attention_heads": 16, "num_hidden_layers": 24, "vocab_size": 50265}, 355_412_057, 0.006,
    ),
    "qwen2.5-7b": (
        {"model_type": "qwen2", "hidden_size": 3584, "intermediate_size": 18944, "max_window_layers": 28,
         "num_attention_heads": 28, "num_hidden_layers": 28, "num_key_value_heads": 4, "sliding_window": 131072,
         "tie_word_embeddings": False, "use_sliding_window": False, "vocab_size": 152064}, 7_615_616_512, 0.0001,
    ),
    "qwen1.5-moe-a2.7b": (
        {"model_type": "qwen2_moe", "decoder_sparse_step": 1, "hidden_size": 2048, "intermediate_size": 5632,
         "moe_intermediate_size": 1408, "num_attention_heads": 16, "num_experts": 60, "num_experts_per_tok": 4,
         "num_hidden_layers": 24, "num_key_value_heads": 16, "shared_expert_intermediate_size": 5632,
         "vocab_size": 151936}, 14_315_784_192, 0.0001,
    ),
    "gemma-7b": (
        {"model_type": "gemma", "head_dim": 256, "hidden_size": 3072, "intermediate_size": 24576,
         "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 16, "vocab_size": 256000},
        8_537_680_896, 0.0001,
    ),
    "deepseek-v2-lite": (
        {"model_type": "deepseek_v2", "first_k_dense_replace": 1, "hidden_size": 2048, "intermediate_size": 10944,
         "kv_lora_rank": 512, "moe_intermediate_size": 1408, "moe_layer_freq": 1, "n_routed_experts": 64,
         "n_shared_experts": 2, "num_attention_heads": 16, "num_experts_per_tok": 6, "num_hidden_layers": 27,
         "num_key_value_heads": 16, "q_lora_rank": None, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
         "v_head_dim": 128, "vocab_size": 102400}, 15_706_484_224, 0.0001,
    ),
    "internlm2-7b": (
        {"model_type": "internlm2", "bias": False, "hidden_size": 4096, "intermediate_size": 14336,
         "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8, "vocab_size": 92544},
        7_737_708_544, 0.0001,
    ),
    "starcoder2-7b": (
        {"model_type": "starcoder2", "hidden_size": 4608, "intermediate_size": 18432, "num_attention_heads": 36,
         "num_hidden_layers": 32, "num_key_value_heads": 4, "sliding_window": 4096, "use_bias": True,
         "vocab_size": 49152}, 7_173_923_840, 0.001,
    ),
    "olmo-2-7b": (
        {"model_type": "olmo2", "hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
         "num_hidden_layers": 32, "num_key_value_heads": 32, "tie_word_embeddings": False, "vocab_size": 100352},
        7_298_617_344, 0.0001,
    ),
    "command-r": (
        {"model_type": "cohere", "hidden_size": 8192, "intermediate_size": 22528, "num_attention_heads": 64,
         "num_hidden_layers": 40, "num_key_value_heads": 64, "vocab_size": 256000}, 34_980_831_232, 0.0001,
    ),
    "gemma-3-1b": (
        {"model_type": "gemma3_text", "hidden_size": 1152, "intermediate_size": 6912, "num_hidden_layers": 26, "num_attention_heads": 4, "num_key_value_heads": 1, "vocab_size": 262144, "head_dim": 256, "sliding_window": 512, "sliding_window_pattern": 6}, 999_885_952, 0.0001,
    ),
    "command-r7b": (
        {"model_type": "cohere2", "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 256000, "sliding_window": 4096, "sliding_window_pattern": 4}, 8_028_033_024, 0.0001,
    ),
    "olmo-3-7b": (
        {"model_type": "olmo3", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 100278, "sliding_window": 4096, "tie_word_embeddings": False}, 7_298_011_136, 0.001,
    ),
    "olmo-7b": (
        {"model_type": "olmo", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 50304}, 6_888_095_744, 0.001,
    ),
    "granite-3.0-8b": (
        {"model_type": "granite", "hidden_size": 4096, "intermediate_size": 12800, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 49155, "tie_word_embeddings": True}, 8_170_848_256, 0.0001,
    ),
    "granite-3.0-3b-a800m": (
        {"model_type": "granitemoe", "hidden_size": 1536, "intermediate_size": 512, "num_hidden_layers": 32, "num_attention_heads": 24, "num_key_value_heads": 8, "vocab_size": 49155, "num_local_experts": 40, "num_experts_per_tok": 8, "tie_word_embeddings": True}, 3_298_793_472, 0.001,
    ),
    "glm-4-9b": (
        {"model_type": "glm", "hidden_size": 4096, "intermediate_size": 13696, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 2, "vocab_size": 151552, "head_dim": 128}, 9_399_951_360, 0.001,
    ),
    "glm-4-9b-0414": (
        {"model_type": "glm4", "hidden_size": 4096, "intermediate_size": 13696, "num_hidden_layers": 40, "num_attention_heads": 32, "num_key_value_heads": 2, "vocab_size": 151552, "head_dim": 128}, 9_400_279_040, 0.001,
    ),
    "glm-4.5-air": (
        {"model_type": "glm4_moe", "hidden_size": 4096, "intermediate_size": 10944, "num_hidden_layers": 46, "num_attention_heads": 96, "num_key_value_heads": 8, "vocab_size": 151552, "head_dim": 128, "moe_intermediate_size": 1408, "n_routed_experts": 128, "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 1}, 106_852_245_504, 0.001,
    ),
    "olmoe-1b-7b": (
        {"model_type": "olmoe", "hidden_size": 2048, "intermediate_size": 1024, "num_hidden_layers": 16, "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 50304, "num_experts": 64, "num_experts_per_tok": 8}, 6_919_161_856, 0.001,
    ),
    "phi-3.5-moe": (
        {"model_type": "phimoe", "hidden_size": 4096, "intermediate_size": 6400, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 32064, "num_local_experts": 16, "num_experts_per_tok": 2, "sliding_window": 131072}, 41_873_153_344, 0.001,
    ),
    "phi-2": (
        {"model_type": "phi", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 51200}, 2_779_683_840, 0.001,
    ),
    "qwen2.5-vl-7b": (
        {"model_type": "qwen2_5_vl", "text_config": {"model_type": "qwen2_5_vl_text", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}}, 7_615_616_512, 0.0001,
    ),
    "qwen2.5-vl-flat": (
        {"model_type": "qwen2_5_vl", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}, 7_615_616_512, 0.0001,
    ),
    "qwen2-vl-7b": (
        {"model_type": "qwen2_vl", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}, 7_615_616_512, 0.0001,
    ),
    "qwen2-vl-text": (
        {"model_type": "qwen2_vl", "text_config": {"model_type": "qwen2_vl_text", "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4, "vocab_size": 152064}}, 7_615_616_512, 0.0001,
    ),
    "qwen3-vl-8b": (
        {"model_type": "qwen3_vl", "text_config": {"model_type": "qwen3_vl_text", "hidden_size": 4096, "intermediate_size": 12288, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 151936, "head_dim": 128}}, 8_190_735_360, 0.001,
    ),
    "qwen3-vl-30b-a3b": (
        {"model_type": "qwen3_vl_moe", "text_config": {"model_type": "qwen3_vl_moe_text", "hidden_size": 2048, "intermediate_size": 6144, "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "vocab_size": 151936, "head_dim": 128, "moe_intermediate_size": 768, "num_experts": 128, "num_experts_per_tok": 8}}, 30_532_122_624, 0.001,
    ),
    "seed-oss-36b": (
        {"model_type": "seed_oss", "hidden_size": 5120, "intermediate_size": 27648, "num_hidden_layers": 64, "num_attention_heads": 80, "num_key_value_heads": 8, "vocab_size": 155136, "head_dim": 128}, 36_151_104_512, 0.001,
    ),
    "smollm3-3b": (
        {"model_type": "smollm3", "hidden_size": 2048, "intermediate_size": 11008, "num_hidden_layers": 36, "num_attention_heads": 16, "num_key_value_heads": 4, "vocab_size": 128256}, 3_075_098_624, 0.0001,
    ),
    "stablelm-3b": (
        {"model_type": "stablelm", "hidden_size": 2560, "intermediate_size": 6912, "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 50304}, 2_795_443_200, 0.001,
    ),
    "ernie-4.5-0.3b": (
        {"model_type": "ernie4_5", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 18, "num_attention_heads": 16, "num_key_value_heads": 2, "vocab_size": 103424, "head_dim": 128, "tie_word_embeddings": True}, 360_748_032, 0.001,
    ),
    "arcee-4.5b": (
        {"model_type": "arcee", "hidden_size": 2560, "intermediate_size": 18432, "num_hidden_layers": 36, "num_attention_heads": 20, "num_key_value_heads": 4, "vocab_size": 128004, "head_dim": 128}, 4_619_184_640, 0.001,
    ),
    "xlm-roberta-large": (
        {"model_type": "xlm-roberta", "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16, "num_key_value_heads": 16, "vocab_size": 250002, "max_position_embeddings": 514}, 559_890_432, 0.006,
    ),
}  # fmt: skip


def written(tmp_path, config, name="config.json"):
    path = tmp_path / name
    path.write_text(config if isinstance(config, str) else json.dumps(config))
    return path


def read(tmp_path, config):
    return read_config(written(tmp_path, config))


def refused(tmp_path, config):
    with pytest.raises(Problems) as caught:
        read(tmp_path, config)
    return [str(problem).removeprefix(f"{tmp_path / 'config.json'}: ") for problem in caught.value.problems]


def shape(model):
    """All that work follows from, with what is meant where a key is left out."""
    kv = 0 if model.latent else model.kv_count
    said = {"name", "title", "note", "published_parameters_count", "kv_heads_count", "stated_head_size"}
    said |= {"small_parameters_count", "left_out", "by_default"}
    return model.model_dump(exclude=said) | {"kv": kv, "head": 0 if model.latent else model.head_size}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_says_what_our_model_file_says(tmp_path, name):
    ours = read_model(name).record
    model = read(tmp_path, CONFIGS[name])
    if name == "mamba2-2.7b":  # its heads are those of its state space
        ours = ours.model_copy(update={"stated_head_size": 64})
    assert shape(model) == shape(ours)


@pytest.mark.parametrize("name", OTHERS)
def test_parameters_of_models_that_do_not_ship(tmp_path, name):
    config, published, within = OTHERS[name]
    assert work_of(read(tmp_path, config), 2048).parameters_count == pytest.approx(published, rel=within)


def test_every_known_type_is_tried():
    rows = json.loads((Path(__file__).parent / "data" / "parameters.json").read_text())
    configs = [*CONFIGS.values(), *(config for config, _, _ in OTHERS.values()), *(row["config"] for row in rows)]
    tried = {config.get("text_config", config)["model_type"] for config in configs}
    assert tried == set(MODEL_TYPES)


def test_a_model_is_named_after_its_folder(tmp_path):
    folder = tmp_path / "Meta-Llama 3.1_8B"
    folder.mkdir()
    model = read_config(written(folder, LLAMA))
    assert (model.name, model.title) == ("meta-llama-3.1-8b", "Meta-Llama 3.1_8B")
    assert read_config(written(tmp_path, LLAMA, "llama.json")).name == "llama"
    assert read_config(str(written(tmp_path, LLAMA | {"_name_or_path": "org/Tiny/"}))).name == "tiny"


def test_windows_that_are_not_used_are_none(tmp_path):
    qwen = OTHERS["qwen2.5-7b"][0]
    assert read(tmp_path, qwen).window is None
    used = read(tmp_path, qwen | {"use_sliding_window": True, "max_window_layers": 21})
    assert (used.window.tokens_count, used.window.layers_count) == (131072, 7)


@pytest.mark.parametrize(
    ("keys", "windowed"),
    [
        ({}, 36),
        ({"no_rope_layers": [1, 0] * 24}, 24),
        ({"layer_types": ["chunked_attention"] * 40 + ["full_attention"] * 8}, 40),
    ],
)
def test_chunked_layers_by_three_kinds_of_keys(tmp_path, keys, windowed):
    """A token in a chunk of 8192 sees half of it on average."""
    config = CONFIGS["llama-4-maverick"]["text_config"] | keys
    window = read(tmp_path, config).window
    assert (window.tokens_count, window.layers_count) == (4096, windowed)


def test_layers_by_words_are_those_by_letters(tmp_path):
    config = CONFIGS["nemotron-3-nano"]
    words = [{"M": "mamba", "*": "attention", "E": "moe"}[letter] for letter in NANO]
    by_words = {key: value for key, value in config.items() if key != "hybrid_override_pattern"} | {
        "layers_block_type": words
    }
    assert shape(read(tmp_path, by_words)) == shape(read(tmp_path, config))


def test_an_unknown_type_is_named_with_those_known(tmp_path):
    [line] = refused(tmp_path, LLAMA | {"model_type": "lama"})
    assert line.startswith('model_type: no such type of model, found "lama"; known: bert, bloom, cohere, ')
    assert line.endswith(", vit")
    [line] = refused(tmp_path, {"hidden_size": 3})
    assert line.startswith("model_type: missing; known: ")
    assert refused(tmp_path, {"model_type": 3}) == ["model_type: not a text, found 3"]


def test_every_problem_at_once_by_its_json_key(tmp_path):
    config = {"model_type": "llama", "hidden_size": "4096", "num_hidden_layers": 0, "num_attention_heads": 32.0,
              "num_key_value_heads": True, "intermediate_size": None, "tie_word_embeddings": "no"}  # fmt: skip
    assert refused(tmp_path, config) == [
        'hidden_size: not a whole number, found "4096"; write it in digits, such as 8',
        "intermediate_size: missing; a config of this type has it",
        "num_attention_heads: not a whole number, found 32.0; write it in digits, such as 8",
        "num_hidden_layers: out of range, found 0; at least 1 would do",
        "num_key_value_heads: not a whole number, found true; write it in digits, such as 8",
        'tie_word_embeddings: neither true nor false, found "no"',
        "vocab_size: missing; a config of this type has it",
    ]


@pytest.mark.parametrize(
    ("name", "keys", "line"),
    [
        ("llama-2-7b", {"num_attention_heads": 33}, "num_attention_heads: 4096 does not divide by 33; "),
        ("llama-2-7b", {"num_key_value_heads": 5}, "num_key_value_heads: 32 heads do not divide by 5; "),
        ("falcon-40b", {"hidden_size": 10**4200}, "hidden_size: out of range, found 1000000000"),
        ("llama-2-7b", {"vocab_size": 10**9}, "vocab_size: out of range, found 1000000000; at most 100000000 would do"),
        ("mixtral-8x7b", {"num_experts_per_tok": 9}, "num_experts_per_tok: more than the 8 experts there are"),
        ("deepseek-v3", {"first_k_dense_replace": 61}, "first_k_dense_replace: all of 61 layers, or more; "),
        ("deepseek-v3", {"kv_lora_rank": -1}, "kv_lora_rank: out of range, found -1; at least 1 would do"),
        ("nemotron-h-8b", {"num_hidden_layers": 50}, "hybrid_override_pattern: its layers do not add up to 50; "),
        ("nemotron-h-8b", {"hybrid_override_pattern": "M-X"}, "hybrid_override_pattern: a layer of an unknown kind; "),
        ("nemotron-h-8b", {"hybrid_override_pattern": "M-E"}, "hybrid_override_pattern: experts and dense inner layers "),
        ("nemotron-h-8b", {"hybrid_override_pattern": None}, "hybrid_override_pattern: missing; "),
        ("nemotron-3-nano", {"moe_latent_size": -1}, "moe_latent_size: out of range, found -1; at least 0 would do"),
        ("qwen3-30b-a3b", {"mlp_only_layers": [3]}, "mlp_only_layers: layers without experts that are not the first"),
        ("qwen3-30b-a3b", {"mlp_only_layers": 3}, "mlp_only_layers: not a list, found 3"),
        ("vit-b-16", {"patch_size": 15}, "patch_size: does not divide the height and the width; "),
        ("vit-b-16", {"id2label": []}, "id2label: not an object of keys and values, found a list"),
        ("esm2-650m", {"position_embedding_type": 3}, "position_embedding_type: not a text, found 3"),
        ("gpt-oss-120b", {"sliding_window": "128"}, "sliding_window: not a whole number"),
    ],
)  # fmt: skip
def test_shapes_that_cannot_be_are_named_by_json_key(tmp_path, name, keys, line):
    assert any(found.startswith(line) for found in refused(tmp_path, CONFIGS[name] | keys))


def test_keys_of_a_part_are_named_with_it(tmp_path):
    config = {"model_type": "llama4", "text_config": CONFIGS["llama-4-maverick"]["text_config"] | {"hidden_size": "big"}}
    assert refused(tmp_path, config) == [
        'text_config.hidden_size: not a whole number, found "big"; write it in digits, such as 8'
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: not valid JSON: Expecting value"),
        ('{"model_type": "llama",}', "1:24: not valid JSON: "),
        ("[1, 2]", "1:1: not an object of keys and values, found a list; name a config.json"),
        ('{"a": NaN}', "model_type: missing; known: bert, "),
        ('{"a": ' + "9" * 5000 + "}", "not valid JSON: Exceeds the limit"),
        ("\n " + '{"a":' * 100_000, "nested deeper than 24 levels; name a config.json of a model"),
        ('{"a": "' + "x" * 2**22 + '"}', "the file is larger than 4 MiB; split it or leave data out of it"),
    ],
)
def test_what_is_not_a_config_is_refused_in_a_line(tmp_path, text, line):
    [found] = refused(tmp_path, text)
    assert line in found


def test_keys_that_stand_twice_are_all_named(tmp_path):
    text = json.dumps(LLAMA)[:-1] + ', "hidden_size": 3, "vocab_size": 5, "\\u001b[2J": 1, "\\u001b[2J": 2}'
    assert refused(tmp_path, text) == [
        "'\\x1b[2J': this key stands twice; keep one",
        "hidden_size: this key stands twice; keep one",
        "vocab_size: this key stands twice; keep one",
    ]


def test_brackets_in_texts_are_no_depth(tmp_path):
    assert read(tmp_path, LLAMA | {"chat": '[{\\"' * 50}).layers_count == 32


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(Problems, match="cannot be read: No such file"):
        read_config(tmp_path / "none" / "config.json")
    (tmp_path / "latin.json").write_bytes(b'{"model_type": "\xe9"}')
    with pytest.raises(Problems, match="not UTF-8 text, at byte 16"):
        read_config(tmp_path / "latin.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(sorted(CONFIGS)), st.data())
def test_any_value_under_any_key_is_read_or_refused(tmp_path_factory, name, data):
    config = CONFIGS[name]
    config = config.get("text_config", config)
    key = data.draw(st.sampled_from(sorted(config)))
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(config | {key: data.draw(VALUES)}))
    try:
        assert read_config(path).layers_count > 0
    except Problems as problems:
        assert problems.problems
