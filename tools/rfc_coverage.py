#!/usr/bin/env python3
"""Turns the RFC references of the code into docs/rfc-coverage.md.

A reference has one form: `RFC 5321 4.5.3.1.6: what is done`; `RFC 5321 4.1.4 DEVIATES: reason` is a deviation,
`RFC 9051 6.3.12 TODO: what is missing` a gap, `RFC 4954, text not at hand` a rule followed from other implementations.
--check fails if the page is not what the code says.
"""
import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs' / 'rfc-coverage.md'
REFERENCE = re.compile(r'RFC (\d{3,5})(?:[ ,]+(?:section )?(\d+(?:\.\d+)*))?(?: (DEVIATES|TODO))?(?:: ?(.*))?')


def collect():
    found = collections.defaultdict(list)
    for path in sorted((ROOT / 'src').rglob('*')):
        if path.suffix not in ('.h', '.cc') or path.name.endswith(('_test.cc', '_fuzz.cc')):
            continue
        name = str(path.relative_to(ROOT))
        for line in path.read_text(errors='replace').splitlines():
            if '//' not in line:
                continue
            comment = line.split('//', 1)[1]
            for match in REFERENCE.finditer(comment):
                number, section, mark, text = match.groups()
                found[int(number)].append((section or '', mark or '', (text or '').strip(), name))
    return found


def key(section):
    return [int(part) for part in section.split('.')] if section else []


def render(found):
    out = ['# RFC coverage', '', 'Made by `tools/rfc_coverage.py` from the comments of the code; `./dev lint` fails when it is out of date.', '']
    marked = [(n, e) for n, es in sorted(found.items()) for e in es if e[1]]
    for mark, title in (('DEVIATES', 'Deviations'), ('TODO', 'Gaps')):
        rows = sorted({(n, e[0], e[2], e[3]) for n, e in marked if e[1] == mark}, key=lambda r: (r[0], key(r[1]), r[3]))
        out += [f'## {title}', '']
        out += [f'- RFC {n} {s}: {t or "see the code"} (`{f}`)' for n, s, t, f in rows] or ['None.']
        out.append('')
    out += ['## References', '', '| RFC | section | where |', '| --- | --- | --- |']
    for number, entries in sorted(found.items()):
        places = collections.defaultdict(set)
        for section, _, _, name in entries:
            places[section].add(name)
        for section in sorted(places, key=key):
            out.append(f'| {number} | {section or "-"} | {", ".join(f"`{p}`" for p in sorted(places[section]))} |')
    return '\n'.join(out) + '\n'


def main():
    page = render(collect())
    if '--check' in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != page:
            print('docs/rfc-coverage.md is out of date: run tools/rfc_coverage.py')
            return 1
        print('rfc coverage: up to date')
        return 0
    PAGE.write_text(page)
    return 0


if __name__ == '__main__':
    sys.exit(main())
