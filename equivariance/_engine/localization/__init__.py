"""From a layer to the statement at fault.

The operations of a layer are recorded in the reference run and in the transformed run. Values are replaced by their
exactly transformed ones (intervention) until the error vanishes; the statement that made them is named. Diagnosis calls
this for every layer that a survey blames. Why a statement is at fault is told by the causes.
"""
