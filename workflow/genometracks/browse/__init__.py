"""What people open of a run, in folders of its own: `reference`, `page` and `hub`.

`scene` is what they show, with its `aliases` and `limits`, as `labels` write it.
"""
