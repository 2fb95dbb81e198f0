"""Every row of the API has a proof, and the page that lists them is current."""

import pathlib
import re

import rows

PROJECT = pathlib.Path(__file__).parents[2]


def test_no_row_is_without_a_proof():
    assert rows.unproven() == []


def test_the_page_of_proofs_is_current():
    assert rows.PAGE.read_text(encoding="utf-8") == rows.page(), "run: python tests/node/rows.py"


def test_the_tests_named_as_proofs_exist():
    for _, table in rows.sections():
        for _, found in table:
            for proof in found:
                named = re.fullmatch(r"(tests/\S+\.py)(?:::(\w+))?", proof)
                if named:
                    assert f"def {named[2] or 'test_'}" in (PROJECT / named[1]).read_text(encoding="utf-8"), proof
