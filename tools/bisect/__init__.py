"""Which of the changed keys broke the run: group testing with a noisy, expensive oracle.

The parts, in the order in which a bisect uses them:

    differences = find_differences(good, bad)                                   # deltas.py
    with Journal(path, question_hashes, names) as journal:                      # journal.py
        probes = calibration_probes(full, seed)                                 # calibration.py, both ends
        rates = calibrate(journal.observations, full)                           # InputError: they do not separate
        question = Question(weights=differences.weights, rates=rates, testable=differences.mixtures.testable)
        engine = Engine(question)                                               # engine.py
        engine.next_probes(journal.observations, journal.pending, workers)      # probes to start, or the Conclusion

An `Oracle` (oracle.py) trains `differences.mixtures.config(probe.subset)` from `probe.seed`. `sequential.bisect` is the
whole loop for one probe at a time.
"""
