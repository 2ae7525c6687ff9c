#!/usr/bin/env python3
"""Checks that a module of src uses only modules that are left of it in the order of CONTRIBUTING.md.

    python3 docs/modules.py [DIR]     DIR is any checkout; this one without it

A use is any path from `crate`, `$crate` or `super` in the source of the library, and one from `crate` in an
attribute of serde; those in comments, in docs and under `#[cfg(test)]` do not count. A name that lib.rs exports counts as its module. `guide`, which
is text alone, and lib.rs itself have no place in the order.
"""

import re
import sys
from pathlib import Path

from count import clean, leaves, module_of, without_tests

BESIDE = {"guide"}
PATH = re.compile(r"(?<![\w:])\$?(?:crate|super(?:\s*::\s*super)*)\s*::\s*(?:\{|[a-zA-Z_]\w*)")
SERDE = re.compile(r'^(?!\s*//).*\b(?:with|try_from|from|into) = "crate::(\w+)', re.M)


def order(root):
    """The names in backticks of the sentence that states the order."""
    text = (root / "CONTRIBUTING.md").read_text()
    m = re.search(r"knows what is left of it and no more:(.*?)\.", text, re.S)
    return re.findall(r"`(\w+)`", m[1]) if m else []


def exported(lib):
    """The names that lib.rs exports, with the modules they are from."""
    names = {}
    for tree in re.findall(r"\bpub\s+use\s+(.*?);", lib, re.S):
        for leaf in leaves(tree):
            parts = [p.strip() for p in leaf.removeprefix("crate::").split("::")]
            if len(parts) > 1:
                names[parts[-1]] = parts[0]
    return names


def uses(text, module):
    """The first name after the root of every path to another module, and where it is."""
    for m in PATH.finditer(text):
        up = m[0].count("super")
        # An inline module in a file would need one more; such have `super` for their own file.
        if up and up < len(module):
            continue
        if m[0].endswith("{"):
            end, depth = m.end(), 1
            while depth:
                depth += (text[end] == "{") - (text[end] == "}")
                end += 1
            for leaf in leaves(text[m.end() - 1 : end]):
                yield leaf.split("::")[0].strip(), m.start()
        else:
            yield re.search(r"\w+$", m[0])[0], m.start()


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    src = root / "src"
    place = {name: i for i, name in enumerate(order(root))}
    names = exported(clean((src / "lib.rs").read_text()))
    faults, unplaced = [], set()
    for path in sorted(src.rglob("*.rs")):
        module = module_of(src, path)
        if not module or module[0] in {"bin", "main"} | BESIDE:
            continue
        if module[0] not in place:
            unplaced.add(module[0])
            continue
        raw = path.read_text()
        text = without_tests(clean(raw))
        of_serde = [(m[1], m.start(1)) for m in SERDE.finditer(raw)]
        for name, at in [*uses(text, module), *of_serde]:
            other = names.get(name, name)
            if (src / f"{other}.rs").exists() or (src / other).is_dir():
                if place.get(other, len(place)) > place[module[0]]:
                    line = text.count("\n", 0, at) + 1
                    faults.append(f"{path.relative_to(root)}:{line}: `{module[0]}` uses `{other}`")
    for name in sorted(unplaced):
        print(f"`{name}` has no place in the order of CONTRIBUTING.md")
    print(*faults, sep="\n", end="\n" if faults else "")
    if faults or unplaced:
        sys.exit(1)
    print(f"{len(place)} modules, each uses only what is left of it")


if __name__ == "__main__":
    main()
