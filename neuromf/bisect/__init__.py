"""Which of the changed keys broke the run: group testing with a noisy, expensive oracle.

The parts, in the order in which a bisect uses them:

    differences = find_differences(good, bad)                                   # deltas.py
    with Journal(path, question_hashes, names) as journal:                      # journal.py
        probes = calibration_probes(full, seed)                                 # calibration.py, both ends
        rates = calibrate(journal.observations, full)                           # InputError: they do not separate
        question = Question(weights=differences.weights, rates=rates, testable=differences.mixtures.testable)
        engine = Engine(question)                                               # engine.py
        engine.next_probes(journal.observations, journal.pending, workers)      # probes to start, or the Conclusion

`study.py` says what is bisected at which scale, `session.py` is the loop with a fleet: tasks (oracles/) go to worker
processes or array jobs (fleet/), and what is found is written down (answer/). `sequential.bisect` is the loop for one
probe at a time and any `Oracle` (oracle.py). Commits are bisected by git itself (commits.py).
"""
