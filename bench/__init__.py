"""
The benchmark: our server and its peers, measured in one run by one ruler.

C{python -m bench} runs it and prints one table; C{python -m bench.report} makes the
tables of the documentation from what a run has written.
"""
