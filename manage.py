#!/usr/bin/env python
"""Django's command line. Commands that change the schema run as the database's owner."""

import os
import sys

OWNER_COMMANDS = {"migrate", "sqlmigrate"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pms.settings")
    if len(sys.argv) > 1 and (sys.argv[1] in OWNER_COMMANDS or sys.argv[1:3] == ["events", "rebuild"]):
        from pms.environment import become_owner

        become_owner()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
