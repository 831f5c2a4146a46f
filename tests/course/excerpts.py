"""Pieces of a C file, by the names of what they define; and the value of a constant in one."""

import re


def items(text):
    """The file's definitions and directives, each with the comment that stands right above it."""
    found, item, depth, comment = [], [], 0, False
    for line in text.split("\n"):
        if not line and depth == 0 and not comment:
            if item:
                found.append("\n".join(item))
            item = []
            continue
        item.append(line)
        if "/*" in line:
            comment = "*/" not in line.rsplit("/*", 1)[1]
        elif comment:
            comment = "*/" not in line
        code = re.sub(r'/\*.*?\*/|/\*.*|"(?:[^"\\]|\\.)*"|\'.\'', "", line)
        if not comment:
            depth += code.count("{") - code.count("}")
    if item:
        found.append("\n".join(item))
    return found


def without_comment(item):
    return re.sub(r"^/\*.*?\*/\n?", "", item, flags=re.S)


def defines(item, part):
    code = without_comment(item)
    kind, _, name = part.rpartition(":")
    if kind == "enum":
        return code.startswith("enum {") and re.search(rf"\b{name}\b", code)
    if kind == "struct":
        return code.startswith(f"struct {name} {{")
    if kind == "const":
        return re.match(rf"[^{{(]*\b{name}\b[^(]*=", code)
    return re.match(rf"[A-Za-z_][^;{{=]*\b{name}\([^;{{]*\{{", code)


def excerpt(text, parts):
    """`parts` in their order: function, struct:name, enum:MEMBER, const:name, or idea: the comment at the top."""
    pieces = []
    for part in parts:
        if part == "idea":
            pieces.append(re.match(r"/\*.*?\*/", text, re.S)[0])
            continue
        match = [item for item in items(text) if defines(item, part)]
        assert len(match) == 1, f"{part} is defined {len(match)} times"
        pieces.append(match[0])
    return "\n\n".join(pieces)


def constant(text, name):
    """Of an enum: numbers, and what is made of them and of others of the file."""
    found = re.search(rf"\b{name} = ([^,}}]+?)(?:,| \}}|\n)", re.sub(r"/\*.*?\*/", "", text, flags=re.S))
    assert found, f"no constant {name}"
    value = re.sub(r"[A-Z]\w+", lambda other: str(constant(text, other[0])), found[1])
    assert re.fullmatch(r"[0-9 ()+*/<-]+", value), value
    return eval(value.replace("/", "//"))  # arithmetic, as has just been seen
