#!/usr/bin/env python3
"""Checks who includes whom (docs/design), and a few words that must not appear. Prints file:line, exits 1 on a finding.

    base < model < {config, formats, journal} < {plan, verify, sync} < engine < {cli, server}
    a room (src/stores/NAME) includes base, model, formats, godwit/ and its own folder
    include/godwit includes nothing but itself
    outside src/stores nothing names a room, except src/config, which knows them as words of its dialects
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RANK = {"base": 0, "model": 1, "config": 2, "formats": 2, "journal": 2, "plan": 3, "verify": 3, "sync": 3,
        "engine": 4, "cli": 5, "server": 5, "console": 5}
ROOM_MAY = {"base", "model", "formats", "godwit"}
REGISTRY = "stores/all_stores.h"
REGISTRY_USERS = {"cli", "server"}
# Rooms named by a word that means something else, too: only the bare word as a string counts.
AMBIGUOUS = {"files", "sqlite", "synthetic", "blackhole"}

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"')
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
BAD_FILE = re.compile(r"(^|[_\-.])(utils?|helpers?|commons?)([_\-.]|$)", re.IGNORECASE)
BAD_CLASS = re.compile(r"\b(?:class|struct|namespace)\s+(\w*(?:Utils?|Helpers?|Common))\b")
MACHINE_PATH = re.compile(r"(?<![\w.-])/(?:work|root)/|/tmp/gv\b")

findings = []


def report(path, line, text):
    findings.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def without_comments(text):
    """The code with comments blanked out, line numbers kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', re.DOTALL)

    def blank(match):
        found = match.group(0)
        return re.sub(r"[^\n]", " ", found) if found.startswith("/") else found

    return pattern.sub(blank, text)


def check_include(path, line, target, area, room):
    """area: the folder below src/, or `godwit` for include/godwit; room: the folder below src/stores/, if any."""
    is_test = path.name.endswith("_test.cc")
    first, _, rest = target.partition("/")
    if target.startswith(".") or "/../" in target:
        report(path, line, f'"{target}": include by the path from src/ or include/')
        return
    if first == "stores":
        if target == REGISTRY:
            if not (area in REGISTRY_USERS or is_test or area == "stores" and room is None):
                report(path, line, f"{area} must not know the list of stores")
        elif area != "stores":
            report(path, line, f'"{target}": only src/stores may include a room')
        elif room is not None and rest.partition("/")[0] != room:
            report(path, line, f'"{target}": a room must not include another')
        return
    if first not in RANK and first != "godwit":
        return  # third party, generated, or beside this file
    if first == "godwit":
        return
    if area == "godwit":
        report(path, line, f'"{target}": a public header includes public headers only')
    elif area == "stores":
        if room is not None and first not in ROOM_MAY:
            report(path, line, f'"{target}": a room includes base, model, formats and godwit/ only')
        elif room is None and first not in ROOM_MAY:
            report(path, line, f'"{target}": the list of stores includes rooms, base, model, formats only')
    elif area != first and area in RANK and RANK[first] >= RANK[area]:
        report(path, line, f'"{target}": {area} must not include {first}')


def check_names(path, line, code, rooms):
    for room in rooms:
        if room in AMBIGUOUS:
            if any(found.group(1) == room for found in STRING.finditer(code)):
                report(path, line, f'names the store "{room}"')
        elif re.search(rf"(?<![a-z]){room}(?![a-z])", code, re.IGNORECASE):
            report(path, line, f"names the store {room}")


def check_code():
    stores = ROOT / "src" / "stores"
    rooms = sorted(p.name for p in stores.iterdir() if p.is_dir()) if stores.is_dir() else []
    for path in sorted([*(ROOT / "src").rglob("*"), *(ROOT / "include").rglob("*")]):
        if path.suffix not in (".cc", ".h"):
            continue
        parts = path.relative_to(ROOT).parts
        area = "godwit" if parts[0] == "include" else parts[1]
        room = parts[2] if area == "stores" and len(parts) > 3 else None
        for line, code in enumerate(without_comments(path.read_text(encoding="utf-8")).split("\n"), 1):
            include = INCLUDE.match(code)
            if include:
                check_include(path, line, include.group(1), area, room)
            elif area not in ("stores", "config") and not path.name.endswith("_test.cc"):
                check_names(path, line, code, rooms)
            bad = BAD_CLASS.search(code)
            if bad:
                report(path, line, f"{bad.group(1)}: name it after what it does")


def check_files():
    listed = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                            check=True, stdout=subprocess.PIPE).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if not path.is_file() or path == pathlib.Path(__file__).resolve():
            continue
        if BAD_FILE.search(path.stem):
            report(path, 1, "name the file after what is in it")
        try:
            lines = path.read_text(encoding="utf-8").split("\n")
        except UnicodeDecodeError:
            continue  # binary
        for line, text in enumerate(lines, 1):
            if MACHINE_PATH.search(text):
                report(path, line, "a path of somebody's machine")


def main():
    check_code()
    check_files()
    for finding in findings:
        print(finding)
    if findings:
        sys.exit(1)


if __name__ == "__main__":
    main()
