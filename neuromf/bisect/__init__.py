"""Which of the changed keys broke the run: group testing with a noisy, expensive oracle.

The parts, in the order in which a bisect uses them:

    differences = find_differences(good, bad)                                   # deltas.py
    with Journal(path, question_hashes, names) as journal:                      # journal.py
        probes = calibration_probes(full, seed)                                 # session.py, both ends
        rates = calibrate(journal.observations, full)                           # InputError: they do not separate
        question = Question(weights=differences.weights, rates=rates, testable=differences.mixtures.testable)
        engine = Engine(question)                                               # engine.py
        engine.next_probes(journal.observations, journal.pending, workers)      # probes to start, or the Conclusion

`study.py` says what is bisected at which scale, `session.py` is the loop: tasks (oracle.py) go to worker processes
(executor.py) or array jobs (slurm.py), and what is found is written down (answer.py). `engine.bisect` is the loop for
one probe at a time and any `Oracle`.
"""
