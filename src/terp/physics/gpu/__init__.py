"""One GPU: what is known of its architecture, its clock under a power cap, and how long its kernels take.

Every function takes an `Accelerator` of the catalogue; no chip has a name here.
"""
