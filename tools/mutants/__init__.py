"""Random changes of the product, sampled a folder at a time; how many of them the tests notice."""
