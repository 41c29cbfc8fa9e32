"""The engine. Depend on nothing in here: names and modules change without notice.

The packages import each other in one order: instrumentation and laws, measurement, localization, causes and inference,
diagnosis. What users may rely on is exported by `equivariance` and its public packages. `docs/internals.md`
describes the way of a module and of a tensor through a diagnosis.
"""
