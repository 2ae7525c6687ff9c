#!/usr/bin/env python3
"""How large the crate is to its users and to those who change it.

    python3 docs/count.py [DIR]     DIR is any checkout; this one without it

What is counted, in src without what stands under `#[cfg(test)]`:

* public types (struct, enum, union, alias), traits, functions and other items: those that say `pub`, not
  `pub(crate)` or the like, and are reached from outside: through public modules, or because a `pub use`
  names them. `#[doc(hidden)]` items do not count. Each counts once, however often it is exported.
* methods: the `pub fn` of public types; and all `fn` of public traits, which callers may use and
  implementors may write.
* a call of `named_law!` is a type with two constructors, and where its closure takes `power` one method more.
* the lines of a function from `fn` to its closing brace; those in macros are left out.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

# A comment, a string or a character: what may hold braces and keywords that mean nothing.
OPAQUE = re.compile(
    r"""//[^\n]*|/\*.*?\*/|\bb?r(\#*)".*?"\1|b?"(?:\\.|[^"\\])*"|b?'(?:\\(?:u\{\w+\}|x\w\w|.)|[^'\\])'""",
    re.S,
)
ITEM = re.compile(
    r"""(?P<pub>pub(?P<within>\s*\([^)]*\))?\s+)?
    (?:(?:async|unsafe|const(?=\s+(?:unsafe\s+|async\s+)?fn\b))\s+)*
    (?P<kind>macro_rules!|(?:struct|enum|union|type|trait|fn|const|static|mod|use|impl|extern)\b)""",
    re.X,
)
# A call of the macro that makes a type: its name, and what its closure takes.
NAMED_LAW = re.compile(r"(\w+),\s*,\s*\|([^|]*)\|")
CLOSING = {"(": ")", "[": "]", "{": "}"}
TYPES = ("struct", "enum", "union", "type")


def clean(text):
    """The same text with comments, strings and characters blank, line for line."""
    return OPAQUE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)


def close(text, at):
    """The place after the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(text)):
        if text[i] in "([{":
            depth += 1
        elif text[i] in ")]}":
            depth -= 1
            if depth == 0:
                return i + 1
    raise ValueError(f"unclosed {text[at]}: {text[at : at + 60]!r}")


def item_end(text, at, braces_end):
    """Where the item that begins at `at` ends, and where its braces begin, if that is what ends it."""
    while at < len(text):
        if text[at] == ";":
            return at + 1, None
        if text[at] in CLOSING:
            end = close(text, at)
            if text[at] == "{" and braces_end:
                return end, at
            at = end
        else:
            at += 1
    return at, None


def items(text, start=0, end=None):
    """The items between two places: (kind, is public, attributes, start, end, body or None)."""
    end = len(text) if end is None else end
    at, attributes = start, ""
    while at < end:
        if text[at].isspace():
            at += 1
        elif text.startswith("#", at):
            stop = close(text, text.index("[", at))
            attributes += text[at:stop]
            at = stop
        elif (m := ITEM.match(text, at, end)) :
            kind = m["kind"]
            semicolon = kind in ("type", "const", "static", "use", "extern")
            stop, body = item_end(text, m.end(), not semicolon)
            public = m["pub"] is not None and m["within"] is None
            yield kind, public, attributes, m.start("kind"), stop, body
            at, attributes = stop, ""
        elif (m := re.compile(r"[\w:]+!\s*").match(text, at, end)):
            stop = close(text, m.end())
            yield m[0].strip(), False, attributes, at, stop, m.end()
            at, attributes = stop + text.startswith(";", stop), ""
        else:
            at += 1


def without_tests(text):
    """Clean source with what stands under `#[cfg(test)]` blank."""
    out = text
    for kind, _, attributes, start, stop, body in items(text):
        if re.search(r"cfg\s*\(\s*(all\s*\(\s*)?(doc)?test\b", attributes):
            blank = re.sub(r"[^\n]", " ", text[start:stop])
            out = out[:start] + blank + out[stop:]
    return out


def module_of(src, path):
    """src/fit/problem.rs is ("fit", "problem")."""
    parts = path.relative_to(src).with_suffix("").parts
    return tuple(p for p in parts if p not in ("lib", "mod"))


def sources(src):
    """Each module of the library with its path and its clean text without tests."""
    for path in sorted(src.rglob("*.rs")):
        if path.name != "main.rs" and path.relative_to(src).parts[0] != "bin":
            yield module_of(src, path), path, without_tests(clean(path.read_text()))


def leaves(tree):
    """The paths of the tree of a `use`: `a::{b, c::D}` is a::b and a::c::D."""
    tree = tree.strip()
    m = re.match(r"([\w:$\s]*?)\{(.*)\}$", tree, re.S)
    if not m:
        return [re.split(r"\bas\b", tree)[0].strip()]
    depth, parts, last = 0, [], 0
    for i, c in enumerate(m[2]):
        depth += (c == "{") - (c == "}")
        if c == "," and depth == 0:
            parts.append(m[2][last:i])
            last = i + 1
    parts.append(m[2][last:])
    return [m[1].strip() + leaf for part in parts if part.strip() for leaf in leaves(part)]


class Count:
    def __init__(self, root):
        self.root = root
        self.all = list(sources(root / "src"))
        self.public = Counter()
        self.lengths = []
        # Public modules, names that a `pub use` exports from a module, and modules it exports whole.
        self.open, self.named, self.globs = {()}, set(), set()
        for module, _, text in self.all:
            for kind, public, _, start, stop, _ in items(text):
                words = text[start:stop]
                if kind == "mod" and public:
                    self.open.add((*module, re.match(r"mod\s+(\w+)", words)[1]))
                if kind == "use" and public:
                    for leaf in leaves(words[3:].rstrip("; \n")):
                        *way, name = [p.strip() for p in leaf.removeprefix("::").split("::")]
                        way = tuple(way[1:] if way[:1] in (["crate"], ["self"]) else way)
                        base = () if leaf.startswith("crate") else module
                        if name == "*":
                            self.globs.add(base + way)
                        else:
                            self.named.add(name)
        # A module in a private one is private.
        self.open = {m for m in self.open if all(m[:i] in self.open for i in range(len(m)))}
        self.types = {
            name
            for module, _, text in self.all
            for kind, public, attributes, start, stop, _ in items(text)
            if kind in (*TYPES, "trait")
            and (name := re.match(r"\w+\s+(\w+)", text[start:stop])[1])
            and self.reached(module, name, public, attributes)
        }
        for _, _, text in self.all:
            for kind, *_, start, stop, body in items(text):
                if kind == "named_law!":
                    name, takes = NAMED_LAW.search(text[body:stop]).groups()
                    self.types.add(name)
                    self.public["types"] += 1
                    self.public["methods of public types"] += 2 + ("power" in takes)
        for module, path, text in self.all:
            self.walk(module, path, text, 0, len(text), None)

    def reached(self, module, name, public, attributes):
        shown = module in self.open or module in self.globs or name in self.named
        return public and shown and not re.search(r"doc\s*\(\s*hidden", attributes)

    def walk(self, module, path, text, start, end, inside):
        """Counts the items between two places, `inside` of the braces of a trait or an impl."""
        for kind, public, attributes, at, stop, body in items(text, start, end):
            name = re.match(r"\w+!?\s+(\w+)", text[at:stop])
            name = name[1] if name else ""
            shown = self.reached(module, name, public, attributes)
            if kind == "fn":
                if body is not None:
                    first = text.count("\n", 0, at) + 1
                    length = text.count("\n", at, stop) + 1
                    self.lengths.append((length, name, path, first))
                hidden = "hidden" in attributes
                if inside == "trait" and not hidden:
                    self.public["methods of public traits"] += 1
                elif inside == "type" and public and not hidden:
                    self.public["methods of public types"] += 1
                elif inside is None and shown:
                    self.public["functions"] += 1
            elif kind == "impl":
                head = text[at:body]
                of_trait = re.search(r"\sfor\s+[^<]", re.sub(r"for<[^>]*>", "", head))
                own = re.match(r"impl\s*(?:<(?:[^<>]|<[^<>]*>)*>)?\s*([\w:]+)", head)
                is_public = own and own[1].split("::")[-1] in self.types
                what = "other" if of_trait or not is_public else "type"
                self.walk(module, path, text, body + 1, stop - 1, what)
            elif kind == "trait":
                self.public["traits"] += shown
                what = "trait" if shown else "other"
                self.walk(module, path, text, body + 1, stop - 1, what)
            elif kind in TYPES and inside is None:
                self.public["types"] += shown
                if shown and kind == "struct":
                    fields = re.findall(r"\bpub\s+\w+\s*:|\bpub\s+(?!\()", text[at:stop])
                    self.public["fields"] += len(fields)
                if shown and kind == "enum":
                    self.public["variants"] += self.variants(text[body + 1 : stop - 1])
            elif kind == "mod":
                self.public["modules"] += (*module, name) in self.open
                if body is not None:
                    self.walk((*module, name), path, text, body + 1, stop - 1, None)
            elif kind in ("const", "static"):
                self.public["constants"] += shown if inside is None else public and inside == "type"

    @staticmethod
    def variants(body):
        depth, count, word = 0, 0, False
        for part in re.findall(r"[(\[{]|[)\]}]|,|#|\w+", body):
            if part in "([{":
                depth += 1
            elif part in ")]}":
                depth -= 1
            elif depth == 0 and part == ",":
                word = False
            elif depth == 0 and part != "#" and not word:
                count, word = count + 1, True
        return count


def lines(path):
    return path.read_text().count("\n") if path.exists() else 0


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent.parent).resolve()
    count = Count(root)
    public = count.public
    print("public items")
    first = ("types", "traits", "functions", "methods of public types", "methods of public traits")
    for what in (*first, "modules", "constants", "fields", "variants"):
        print(f"  {public[what]:6} {what}")
    print(f"  {sum(public.values()):6} in all\n")

    git = subprocess.run(["git", "ls-files"], cwd=root, capture_output=True, text=True)
    files = git.stdout.split("\n")[:-1] if git.returncode == 0 else [
        str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and "target" not in p.parts
    ]
    rust = [root / f for f in files if f.startswith("src/") and f.endswith(".rs")]
    print(f"{len(files)} files; {len(rust)} in src, {sum(map(lines, rust))} lines with their tests and docs")
    print(f"{lines(root / 'README.md')} lines of README.md")
    examples = sorted((lines(p), p.name) for p in (root / "examples").glob("*.rs"))
    for length, name in examples[-1:]:
        print(f"{length} lines of the longest of {len(examples)} examples, {name}")
    print("\nthe longest functions")
    for length, name, path, line in sorted(count.lengths, key=lambda f: (-f[0], f[1]))[:10]:
        print(f"  {length:6} {name}, {path.relative_to(root)}:{line}")


if __name__ == "__main__":
    main()
