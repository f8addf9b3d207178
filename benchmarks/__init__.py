"""The same work in minirnn, in its peers and at the machine's limit, timed in one run: `python -m benchmarks`."""
