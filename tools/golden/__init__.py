"""Golden cases: short trainings whose every number is kept, with tolerances that were measured."""
