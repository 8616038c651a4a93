"""HOW SURE IS A PREDICTION?  What is known of a step, and how far published ones of its class lie from the prediction."""

from terp.physics.uncertainty.step_intervals import (
    StepClass,
    StepIntervals,
    features_of,
    likely_step,
    step_class,
    step_intervals,
)

__all__ = ["StepClass", "StepIntervals", "features_of", "likely_step", "step_class", "step_intervals"]
