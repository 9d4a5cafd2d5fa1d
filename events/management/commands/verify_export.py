"""Says whether an export is whole and unchanged, by its manifest and the published keys."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from django.core.management.base import BaseCommand, CommandError

from events.services.audit_sealing import open_store
from kernel.archives import ArchiveBroken, check_archive


class Command(BaseCommand):
    help = "Check an exported archive against its manifest, and the manifest against the published keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, **options: Any) -> None:
        try:
            manifest = check_archive(options["file"], open_store().keys())
        except (ArchiveBroken, BadZipFile, KeyError, ValueError, OSError) as error:
            raise CommandError(f"{options['file']}: {error}") from None
        self.stdout.write(
            f"Sound: {manifest['file']['bytes']:,} bytes of {manifest['what']}, exported by {manifest['exported_by']} "
            f"at {manifest['exported_at']}, signed by {manifest['key_id']}."
        )
