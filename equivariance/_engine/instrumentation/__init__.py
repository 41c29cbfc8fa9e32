"""Runs of the module under test: copies in every state and precision, hooks on layers, recorded operations.

Everything that touches the module, autograd or PyTorch's dispatcher is here, and the module that the user gave is never
changed. Measurement runs the testbed and compares; localization records operations and replaces values. Nothing here
judges an error.
"""
