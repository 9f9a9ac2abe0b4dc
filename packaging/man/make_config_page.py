#!/usr/bin/env python3
"""Makes godwit.toml(5), in mdoc, from docs/operator/configuration.md: paragraphs, '## `[section]`' headings and tables of
key | default | meaning. Anything else in the page is an error, so that nothing gets lost.

  make_config_page.py configuration.md godwit.toml.5
"""
import re
import sys

HEAD = r'''.Dd $Mdocdate$
.Dt GODWIT.TOML 5
.Os Godwit
.Sh NAME
.Nm godwit.toml
.Nd configuration of the Godwit mail server
.Sh DESCRIPTION
'''
TAIL = r'''.Sh FILES
.Bl -tag -width Ds
.It Pa /etc/godwit/godwit.toml
.It Pa /var/lib/godwit
.El
.Sh SEE ALSO
.Xr godwit 8
'''


def escape(text):
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\\&' + text if text[:1] in ('.', "'") else text


def prose(text):
    """Inline marks: code in bold, links by their text."""
    text = re.sub(r'\[([^\]]+)\]\(([^)]+)\)', r'\1', text)
    parts = re.split(r'`([^`]*)`', text)
    out = ''.join(f'\\fB{escape(part)}\\fR' if i % 2 else escape(part).removeprefix('\\&') for i, part in enumerate(parts))
    return '\\&' + out if out[:1] in ('.', "'") else out


def cells(line):
    return [cell.strip().replace('\\|', '|') for cell in re.split(r'(?<!\\)\|', line.strip().strip('|'))]


def convert(lines):
    out, table = [], False
    for number, line in enumerate(lines, 1):
        line = line.rstrip('\n')
        if line.startswith('|'):
            row = cells(line)
            if len(row) != 3:
                raise SystemExit(f'line {number}: a table here has three columns, not {len(row)}')
            if row[0] == 'key' or set(row[0]) <= set('-:'):
                continue
            if not table:
                out.append('.Bl -tag -width Ds')
                table = True
            out += [f'.It {prose(row[0])} (default: {prose(row[1])})' if row[1] != 'required' else f'.It {prose(row[0])} (required)', prose(row[2])]
            continue
        if table:
            out.append('.El')
            table = False
        if line.startswith('# ') or not line:
            if out and not line and out[-1] != '.Pp' and not out[-1].startswith('.S'):
                out.append('.Pp')
        elif line.startswith('## '):
            if out and out[-1] == '.Pp':
                out.pop()
            out.append(f'.Ss {prose(line[3:])}')
        elif re.match(r'[#>]|```|[-*] |\d+\. ', line):
            raise SystemExit(f'line {number}: this cannot be turned into a man page: {line}')
        else:
            out.append(prose(line))
    if table:
        out.append('.El')
    if out and out[-1] == '.Pp':
        out.pop()
    return out


def main():
    with open(sys.argv[1], encoding='utf-8') as source:
        body = '\n'.join(convert(source))
    body = re.sub(r'\.Pp\n(?=\.(Bl|Ss))', '', body)
    with open(sys.argv[2], 'w', encoding='utf-8') as page:
        page.write(HEAD.replace('$Mdocdate$', 'November 22, 2026') + body + '\n' + TAIL)


if __name__ == '__main__':
    main()
