"""A model that answers: prefill and decoding."""
