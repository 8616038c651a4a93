"""Words that people type, and what is understood by them: options of scenarios, quantities, names, and what was meant.

What is here knows click and no verb; verbs take their options from here, so that a word means the same in all of them.
"""
