"""The shipped recipes, as data; `neuromf.config.recipe_files` reads them."""
