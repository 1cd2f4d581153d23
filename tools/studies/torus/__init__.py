"""Two questions put to trainings on the torus: `golden/torus/data_proportion.csv` and `golden/torus/time_scale.csv`."""
