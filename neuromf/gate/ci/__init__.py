"""The gate's verdicts in the forms that CI shows: SARIF, GitHub's annotations and its summary of a step."""
