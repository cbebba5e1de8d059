"""``python -m stackd.resources``: write the index of the resource types anew, after a change of them."""

from __future__ import annotations

from stackd.resources.index import INDEX, index_text, made_index

if __name__ == "__main__":
    INDEX.write_text(index_text(made_index()))
