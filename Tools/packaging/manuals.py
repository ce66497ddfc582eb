#!/usr/bin/env python3
# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Writes a manual page a command, from what the commands say of themselves.

    recount --experimental-dump-help | manuals.py FOLDER DATE VERSION

The pages are called recount.1, recount-audit.1, recount-show-request.1 ..., which `man recount
show request` finds. Examples are the indented lines of a help, and are kept as they are.
"""

import json
import pathlib
import re
import sys


def escaped(text):
    """The text so that roff sets it as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    text = text.replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    # What stands beyond ASCII, by its number.
    text = "".join(c if ord(c) < 128 else f"\\[u{ord(c):04X}]" for c in text)
    return "\\&" + text if text.startswith((".", "\\(aq")) else text


def flowing(lines):
    """Paragraphs, and examples kept as they are."""
    out, example, gap = [], False, False
    for line in lines:
        indented = line.startswith("  ")
        if not line.strip():
            gap = True
            continue
        if example and not indented:
            out.append(".EE\n.RE")
            example, gap = False, True
        if indented and not example:
            out.append(".PP\n.RS 4\n.EX")
            example = True
        elif gap and example:
            out.append("")
        elif gap:
            out.append(".PP")
        gap = False
        out.append(escaped(line[2:] if indented else line))
    if example:
        out.append(".EE\n.RE")
    return out


def shown(items):
    return [item for item in items or [] if item.get("shouldDisplay")]


def title(argument):
    """How an argument is written, with its value: `--since <checkpoint>`."""
    value = f"<{argument.get('valueName', 'value')}>"
    if argument["kind"] == "positional":
        return f"\\fI{escaped(value)}\\fR"
    names = [
        ("--" if name["kind"].startswith("long") and name["kind"] != "longWithSingleDash" else "-")
        + name["name"] for name in argument["names"]]
    text = ", ".join(f"\\fB{escaped(name)}\\fR" for name in names)
    return text if argument["kind"] == "flag" else f"{text} \\fI{escaped(value)}\\fR"


def synopsis(command, words):
    parts = [f"\\fB{escaped(' '.join(words))}\\fR"]
    for argument in shown(command.get("arguments")):
        text = title(argument) if argument["kind"] == "positional" else title(
            {**argument, "names": [argument["preferredName"]]})
        if argument.get("isRepeating"):
            text += " ..."
        parts.append(f"[{text}]" if argument.get("isOptional") else text)
    if subcommands(command) and not command.get("defaultSubcommand"):
        parts.append("\\fIcommand\\fR")
    return "\n".join(parts)


def subcommands(command):
    return [c for c in shown(command.get("subcommands")) if c["commandName"] != "help"]


def described(arguments):
    out = []
    for argument in arguments:
        text = argument.get("abstract") or ""
        default = argument.get("defaultValue")
        if default:
            text += f" (default: {default})"
        values = argument.get("allValues")
        if values:
            text += f" One of {', '.join(values)}."
        out += [".TP", title(argument), escaped(text.strip()) or "\\&"]
        if argument.get("discussion"):
            out += [".IP"] + [escaped(line) for line in argument["discussion"].splitlines()]
    return out


def page(command, words, date, version):
    name = "-".join(words)
    abstract = (command.get("abstract") or "").strip().rstrip(".")
    out = [
        f'.TH "{escaped(name.upper())}" 1 "{date}" "recount {version}" "Recount"',
        ".SH NAME", f"{escaped(name)} \\- {escaped(abstract[:1].lower() + abstract[1:])}",
        ".SH SYNOPSIS", synopsis(command, words), ".SH DESCRIPTION",
    ]
    paragraphs = re.split(r"\n\s*\n", (command.get("discussion") or "").strip("\n"))
    codes = [p for p in paragraphs if p.startswith("Exit codes: ")]
    text = "\n\n".join(p for p in paragraphs if p not in codes)
    out += flowing((f"{abstract}.\n\n" + text).splitlines())
    groups = subcommands(command)
    if groups:
        out.append(".SH COMMANDS")
        for sub in groups:
            subname = "-".join(words + [sub["commandName"]])
            out += [".TP", f"\\fB{escaped(subname)}\\fR(1)", escaped(sub.get("abstract") or "")]
    arguments = shown(command.get("arguments"))
    positional = [a for a in arguments if a["kind"] == "positional"]
    options = [a for a in arguments if a["kind"] != "positional"]
    if positional:
        out += [".SH ARGUMENTS"] + described(positional)
    if options:
        out += [".SH OPTIONS"] + described(options)
    if codes:
        out += [".SH EXIT STATUS"] + [
            escaped(line) for line in codes[0][len("Exit codes: "):].splitlines()]
    if len(words) > 1:
        parent = "-".join(words[:-1])
        out += [".SH SEE ALSO", f"\\fB{escaped(parent)}\\fR(1)"]
    return "\n".join(out) + "\n"


def write(command, words, folder, date, version):
    (folder / ("-".join(words) + ".1")).write_text(page(command, words, date, version))
    for sub in subcommands(command):
        write(sub, words + [sub["commandName"]], folder, date, version)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    dump = json.load(sys.stdin)
    if dump["serializationVersion"] != 0:
        sys.exit("manuals.py: the help is dumped in another form than the one that is read here")
    write(dump["command"], ["recount"], folder, sys.argv[2], sys.argv[3])


if __name__ == "__main__":
    main()
