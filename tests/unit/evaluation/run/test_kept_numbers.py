"""What an evaluation leaves in the run's folder for an export to tell."""

import json

from neuromf.evaluation.document import evaluation_document
from neuromf.evaluation.evaluate import evaluate_run
from neuromf.evaluation.kept import OF_THE_PLACE, kept_evaluation
from neuromf.evaluation.wanted import EvaluationRequest
from neuromf.json_text import json_text


def test_the_newest_evaluation_of_a_step_is_kept(evaluated_run):
    """All that its document says but where and how fast; another step has none."""
    for count in (8, 9):
        found = evaluate_run(evaluated_run, EvaluationRequest((1,), count)).evaluation
    kept = kept_evaluation(evaluated_run, found.step)
    assert kept is not None
    assert kept["count"] == 9
    document = json.loads(json_text(evaluation_document(found)))
    assert kept == {key: value for key, value in document.items() if key not in OF_THE_PLACE}
    assert str(evaluated_run.parent) not in json.dumps(kept)
    assert kept_evaluation(evaluated_run, found.step - 1) is None
