#!/usr/bin/env python3
"""Prints `passed failed skipped` of a JUnit file, as pytest and GoogleTest write it; `0 0 0` when there is none."""

import sys
import xml.etree.ElementTree as ElementTree


def count(path):
    try:
        root = ElementTree.parse(path).getroot()
    except (FileNotFoundError, ElementTree.ParseError):
        return 0, 0, 0
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


print(*count(sys.argv[1]))
