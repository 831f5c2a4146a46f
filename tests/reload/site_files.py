"""What is served before and after."""

import pathlib

LARGE_LEN = 16 << 20
SESAME = "$5$rounds=1000$saltsalt$30.yc4HsSpLTxr3NqKw4EhPINDzNTqzxg9qelAitDW2"
OPEN = "$5$rounds=1000$saltsalt$R1POFbiq2hAKcmmkDHu2iNugM5cdQ7FxxuYEQVZfha0"


def large(letter):
    return b"".join(b"%s%07d" % (letter, i) for i in range(LARGE_LEN // 8))


class Site:
    """Two roots, `a` and `b`, and one for hosts, in a folder that is there and empty."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for letter in "ab":
            root = self.folder / letter
            (root / "sub").mkdir(parents=True)
            (root / "index.html").write_text(f"{letter} index")
            (root / "other.html").write_text(f"{letter} other")
            (root / "data.zzz").write_text("?")
            (root / ".dot").write_text("dot")
            (root / "sub" / "x.txt").write_text("x")
            (root / "link.txt").symlink_to("../outside.txt")
            (root / "large.bin").write_bytes(large(letter.encode()))
        (self.folder / "outside.txt").write_text("outside")
        for host in ("one.example", "_"):
            (self.folder / "hosts" / host).mkdir(parents=True)
            (self.folder / "hosts" / host / "index.html").write_text(f"host {host}")
        self.types, self.users = self.folder / "types", self.folder / "users"
        self.types.write_text("application/x-zzz zzz\n")
        self.users.write_text(f"ann:{SESAME}\n")

    def path(self, name):
        return self.folder / name
