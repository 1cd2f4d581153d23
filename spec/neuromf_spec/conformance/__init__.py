"""Laws that can be judged of any MeanFlow code from outside: by what its loss, times, sampler and schedules return.

The suite brings the network, a field that is written with operators alone, and the draws. The code brings an adapter
that says by which conventions it computes. No inner tensor is asked for.
"""
