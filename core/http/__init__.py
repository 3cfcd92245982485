"""The HTTP edge: operation tables become routes with versions, schemas, rules and faults."""
