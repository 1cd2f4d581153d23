"""Finds which of the keys that differ between a good and a bad configuration broke the run.

The method is group testing with a noisy and expensive oracle. Each *probe* is a small training of the good
configuration with some of the bad one's values.

The parts, in the order in which a bisect uses them:

    differences = find_differences(good, bad)                                   # deltas.py
    with ProbeJournal(path, question_hashes, names) as journal:                 # journal.py
        probes = calibration_probes(full, seed)                                 # session.py, both ends
        rates = calibrate(journal.observations, full)                           # InputError: they do not separate
        question = Question(weights=differences.weights, rates=rates, testable=differences.mixtures.testable)
        engine = Engine(question)                                               # engine.py
        engine.next_probes(journal.observations, journal.pending, workers)      # probes to start, or the Conclusion

`study.py` brings the two configurations to the scale of the probes. `session.py` is the loop; it sends tasks
(oracle.py) to worker processes (executor.py) or array jobs (slurm.py). `engine.py` decides what to do next:
`all_causes.py` looks for one cause after the other, `planner.py` plans the probes for each. `answer.py` writes what was
found. `engine.bisect` is a loop for one probe at a time and any `Oracle`.
"""
