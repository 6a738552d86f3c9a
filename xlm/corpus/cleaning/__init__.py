"""Cleaning of extracted text: which lines and pairs a run drops, why, and how often.

Stage `clean` is between the extraction and `split`, language by language and pair by pair. Without
cleaning it has no units and `split` reads the extracted text, so the keys and bytes of a profile
without cleaning are those of a project without this package. Its inputs are the extracted text
and, for decontamination, the dev and test rows of the languages of the unit. A changed threshold
rebuilds `clean` and what comes after it, but never an extraction; a slice holds only the settings
that apply to its unit, so the ratio of pairs rebuilds no language.

Lines are judged in two steps:

1. In the worker processes, by ranges of lines: cleaners that look at one line or pair
   (`RowCleaner`), each a small class with `keep(row)`. The first one that refuses gives the reason.
   The lines that are left are hashed for the comparison with other lines.
2. One job for each unit: of equal hashes the first line of the corpus is kept (`duplicates.py`),
   whatever the number of workers. It then copies the kept lines. A row is kept or dropped as a
   whole, so the sides of a pair stay aligned.

Memory: a worker holds 10,000 lines and the hashes of its range. The job of step 2 holds about 22
bytes a line, which is 22 MB for a million lines, and at most 200 MB more. Scratch space: 9 bytes a
line for exact duplicates, and 8 more for each band of MinHash (89 in all, with a similarity of
0.8).
"""
