"""The man pages: bgo(1) and one page a command, from the Typer tree; examples and exit codes are the README's."""

from __future__ import annotations

import re

from bgo.version import VERSION
from tests.docs.readme import README, blocks, commands, exit_codes, prose_under
from tests.docs.roff import bold, escape, italic, literal, page, paragraphs, prose, section, subsection, tagged, title
from tests.docs.tree import Command, Param, root

RELEASED = {"0.1.0": "2026-11-23"}
"""Version → the day on its pages: a page changes with its version, not with the day it is made."""
EXAMPLES = 4
CHAPTERS = {
    "schedule": ("How cron expressions are read", "When clocks change", "Missed, overlapping, failing", "Windows"),
    "install": ("Running unattended",),
    "simulate": ("Devices and their days",),
}
"""Command → what the README tells at length, and its page as well."""
VARIABLES = {
    "BGO_HOME": "Everything bgo keeps lies in this directory, its configuration included.",
    "BGO_STORE": "The store, as --store names it.",
    "BGO_CONFIG": "The configuration, as --config names it.",
    "BGO_PROFILE": "The device profile, as --profile names it.",
    "BGO_PLUGINS": "Local plugins, separated by colons, as --plugin names them.",
    "BGO_SLOTS": "How many tasks run at once on this host.",
    "BGO_LEASE_S": "Seconds after which a silent worker's tasks are taken from it.",
    "BGO_KILL_GRACE_S": "Seconds between asking a task to stop and killing it.",
    "BGO_DEFAULT_TIMEOUT": "The timeout of tasks that state none.",
    "BGO_SYNCHRONOUS": "full (the default) or normal: what a power cut may take.",
    "BGO_POLL_MS": "How often a watching worker looks around without being woken.",
    "BGO_SENSORS": "Whose sensors are asked: host (the default, this computer), termux on a phone, or adb or "
    "adb:SERIAL, a phone, with /APP behind it for one of its apps; "
    "start adb's server beforehand, with adb start-server. What bgo doctor shows of macOS, Windows, Termux and phones "
    "is read as others have recorded it: bgo has not been run there.",
    "BGO_IDLE_AFTER_S": "Seconds without input after which a computer counts as idle; 300 by default.",
    "BGO_DEVICE": "What the device says, in place of its sensors: charging=no battery=12 network=metered.",
    "BGO_SYSFS_ROOT": "Read charger, battery, links and screens below this directory, laid out like /sys.",
    "BGO_PROC_ROOT": "Read the default routes and the load below this directory, laid out like /proc.",
    "BGO_DEV_ROOT": "Look for terminals that are typed at below this directory, laid out like /dev.",
    "BGO_BUSCTL": "The program that asks NetworkManager, logind and UPower, in place of busctl.",
    "BGO_DEBUG": "Not empty and not 0: show tracebacks, as --debug does.",
    "NO_COLOR": "Not empty: plain text, as --no-color asks for.",
    "COLUMNS": "The width to print for.",
}
FILES = {
    "$XDG_DATA_HOME/bgo/bgo.db": "The store, with its logs, locks and work directories beside it. "
    "Usually in ~/.local/share; on macOS in ~/Library/Application Support/bgo.",
    "$XDG_CONFIG_HOME/bgo/config.toml": "The configuration. Usually in ~/.config.",
    "$XDG_CACHE_HOME/bgo": "What is known of the handlers; may be removed at any time. Usually in ~/.cache.",
}


def manual() -> dict[str, str]:
    """Return every page by its file's name."""
    tree = root()
    return {"bgo.1": page(_root_page(tree))} | {f"bgo-{c.name}.1": page(_command_page(c, tree)) for c in tree.verbs}


def _root_page(tree: Command) -> list[str]:
    lines = _head("bgo", tree.text)
    lines += [section("synopsis"), rf"{bold('bgo')} [{italic('OPTIONS')}] {italic('COMMAND')} [{italic('ARGUMENTS')}]"]
    lines += [section("description"), *paragraphs(tree.text)]
    lines += [".PP", "The options below may stand anywhere before a bare " + bold("--") + "."]
    lines += [section("commands")]
    for panel in dict.fromkeys(command.panel for command in tree.verbs):
        lines += [subsection(panel)]
        for command in tree.verbs:
            if command.panel == panel:
                lines += tagged(_page_name(f"bgo-{command.name}"), command.summary)
    return [
        *lines,
        *_options(tree),
        *_table("exit status", dict(exit_codes())),
        *_table("environment", VARIABLES),
        *_table("files", FILES),
    ]


def _command_page(command: Command, tree: Command) -> list[str]:
    name = f"bgo-{command.name}"
    lines = [*_head(name, command.summary), section("synopsis"), _synopsis(command)]
    for verb in command.verbs:
        lines += [".br", _synopsis(verb)]
    lines += [section("description"), *paragraphs(command.text)]
    if command.default_verb:
        lines += [".PP", f"Without a verb it does {bold(command.default_verb)}."]
    if command.aliases:
        lines += [".PP", "Other names: " + ", ".join(bold(f"bgo {alias}") for alias in command.aliases) + "."]
    lines += [*_arguments(command), *_options(command)]
    if command.verbs:
        lines += [section("verbs")]
        for verb in command.verbs:
            lines += _verb(verb)
    for heading in CHAPTERS.get(command.name, ()):
        lines += [section(heading), *paragraphs(prose_under(heading))]
    lines += [*_examples(command), *_file(command)]
    return [*lines, section("see also"), _see_also(command, tree)]


def _head(name: str, text: str) -> list[str]:
    summary = text.partition("\n")[0].rstrip(".")
    summary = summary[:1].lower() + summary[1:]
    return [
        title(name, VERSION, RELEASED[VERSION]),
        section("name"),
        rf"{escape(name)} \- {prose(summary)}",
    ]


def _synopsis(command: Command) -> str:
    words = [bold(command.title)]
    if command.verbs:
        return " ".join([*words, rf"{italic('VERB')}", "..."]) if not command.default_verb else words[0]
    words.append(f"[{italic('OPTIONS')}]")
    for param in command.arguments:
        word = italic(param.metavar) + (" ..." if param.repeats else "")
        words.append(word if param.required else f"[{word}]")
    if command.takes_argv:
        words.append(rf"[{bold('--')} {italic('COMMAND')} ...]")
    return " ".join(words)


def _verb(verb: Command) -> list[str]:
    lines = [subsection(verb.title), *paragraphs(verb.text)]
    for param in [*verb.arguments, *_telling(verb)]:
        lines += _entry(param)
    return lines


def _telling(command: Command) -> list[Param]:
    """Return the options of a verb without --help, which is the same everywhere."""
    return [p for p in command.options if "--help" not in p.flags]


def _arguments(command: Command) -> list[str]:
    lines = [line for param in command.arguments for line in _entry(param)]
    return [section("arguments"), *lines] if lines else []


def _options(command: Command) -> list[str]:
    lines = [section("options")]
    panels = sorted(dict.fromkeys(p.panel for p in command.options), key=lambda panel: not panel)
    for panel in panels:
        lines += [subsection(panel or "Other")] if len(panels) > 1 else []
        lines += [line for p in command.options if p.panel == panel for line in _entry(p)]
    if len(command.path) > 1:
        lines += [".PP", f"The options of {_page_name('bgo')}, such as {bold('--store')}, may stand here too."]
    return lines


def _entry(param: Param) -> list[str]:
    if param.is_option:
        tag = ", ".join(bold(flag) for flag in param.flags) + (f" {italic(param.metavar)}" if param.metavar else "")
    else:
        tag = italic(param.metavar)
    text = param.help
    if param.choices:
        text += f" One of: {', '.join(param.choices)}."
    if param.default:
        text += f" Default: {param.default}."
    return tagged(tag, text)


def _examples(command: Command) -> list[str]:
    known = rf"(?:^|[;&|] *)bgo {re.escape(command.name)}\b"
    found = list(dict.fromkeys(line for line in commands() if re.search(known, line)))[:EXAMPLES]
    return [section("examples"), *literal(found)] if found else []


def _file(command: Command) -> list[str]:
    """Return the README's chain file, for the command that takes one."""
    if "--file" not in {flag for param in command.options for flag in param.flags} or command.name != "chain":
        return []
    (block,) = (b for b in blocks(README) if b.language == "toml" and "[[step]]" in b.text)
    text = (
        "A step runs one thing: run is a step word, or a list of members; parallel is such a list; command is an argv "
        "list, or a line that is split into words. It may have a name, an input, over (the list of an earlier output) "
        "or items (a list, or a file) with field, on_failure, merge (overwrite or array), and the options of a member. "
        "Relative paths begin at the file."
    )
    return [section("chain file"), *paragraphs(text), *literal(block.text.splitlines())]


def _see_also(command: Command, tree: Command) -> str:
    """Return bgo(1) and the other pages of the same kind."""
    near = [c.name for c in tree.verbs if c.panel == command.panel and c is not command]
    return ", ".join([_page_name("bgo"), *(_page_name(f"bgo-{name}") for name in near)])


def _page_name(name: str) -> str:
    return bold(name) + "(1)"


def _table(name: str, rows: dict[str, str]) -> list[str]:
    return [section(name), *(line for tag, text in rows.items() for line in tagged(bold(tag), text))]
