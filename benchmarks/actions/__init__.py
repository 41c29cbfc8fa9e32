"""Every action that a representation or an element can say, on a sound and on a broken network.

`networks` has the networks, `cases` what each is held to. The command writes docs/results/actions.md.
"""
