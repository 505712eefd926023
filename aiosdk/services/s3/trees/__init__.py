"""Directories and prefixes kept alike: `bucket.upload_dir`, `bucket.download_dir`, `bucket.sync`.

Two sorted sequences, the files of a directory (`walk`) and the objects of a prefix (`listing`), are read side by side
(`merge`), so that neither is held in memory and the first file goes while the last page is not yet listed. `upload` and
`download` decide what becomes of each pair, `jobs` bounds what is in flight, `result` tells what was done.
"""
