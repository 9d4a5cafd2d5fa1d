"""Proving a sealed stream: its rules and its seals, span by span, so that it can be stopped and taken up again.

A full run begins with the first seal; one since the last goes on where the last sound run ended. Each span is one short
statement per rule: writers go on meanwhile, and memory does not grow with the tables. The state lies beside the seals.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from events.services.checks import EXAMPLES, Finding
from events.services.sealing import Content, SealedStream, count_beside, open_store
from events.services.spans import END, Span, get_current_epoch
from kernel.sealing import Seal, SealStore, find_fault, merkle_root, write_whole

# Rows are checked in portions of about so many entries; what is not sealed yet in portions of so many transactions.
PORTION_ENTRIES = 250_000
PORTION_TRANSACTIONS = 100_000


@dataclass
class Proof:
    """One run: how far it is and what it has found. ``entries`` of the rows checked; ``first_broken`` names the oldest."""

    since_last: bool
    started_at: str
    seal: int = 0
    seal_hash: str = ""
    epoch: int = 1
    xid_until: int = 0
    entries: int = 0
    broken: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)
    first_broken: str = ""
    finished_at: str = ""

    @property
    def sound(self) -> bool:
        return not any(self.broken.values())

    def add(self, findings: Iterable[Finding]) -> None:
        """Take in all that one portion has shown: which row of it is the oldest, is known only then."""
        broken = []
        for finding in findings:
            self.broken[finding.check] = self.broken.get(finding.check, 0) + finding.broken
            if finding.broken:
                broken.append(finding)
                kept = self.examples.setdefault(finding.check, [])
                kept.extend(finding.examples[: EXAMPLES - len(kept)])
        if broken and not self.first_broken:
            first = min(broken, key=_age)
            self.first_broken = f"{first.examples[0]} ({first.check})"


def prove(
    stream: SealedStream,
    *,
    since_last: bool = False,
    fresh: bool = False,
    at: datetime,
    progress: Callable[[Proof], object] = lambda _: None,
) -> Proof:
    """Check the whole stream against its rules and its seals, or only what was sealed since the last sound run.

    A run of the same kind that was cut short is taken up where it was, unless ``fresh``. ``progress`` is called after
    each portion. A run since the last leaves out what is not sealed yet.
    """
    store = open_store(stream)
    proof = _begin(stream, store, since_last, fresh, at)
    try:
        for seals in _portions(store, proof):
            proof.add(_check_seals(stream, store, proof, seals))
            _save(store, running=proof)
            progress(proof)
    except (ValueError, KeyError, TypeError) as error:
        proof.add([Finding(_seals(stream), 1, (f"after seal {proof.seal}, the store cannot be read: {error!r}",))])
    if not since_last:
        for span in _unsealed(stream, proof):
            proof.add(stream.check_span(span))
            proof.entries += stream.count(span)
            proof.epoch, proof.xid_until = span.epoch, span.xid_until
            _save(store, running=proof)
            progress(proof)
    proof.add([*stream.check_end(whole=not since_last), _check_last(stream, proof)])
    proof.finished_at = at.isoformat()
    _save(store, running=None, last=proof)
    return proof


def find_last_proof(stream: SealedStream) -> Proof | None:
    """The last run that came to its end."""
    kept = _load(open_store(stream)).get("last")
    return Proof(**kept) if kept else None


def _age(finding: Finding) -> tuple[bool, str]:
    """Rows by their ids, which grow with time; a seal, which covers many, after all of them."""
    subject = finding.examples[0].partition(":")[0]
    try:
        return False, str(UUID(subject))
    except ValueError:
        return True, ""


def _seals(stream: SealedStream) -> str:
    return f"every seal is in its chain, signed, and has the root of what is in the {stream.title}"


def _begin(stream: SealedStream, store: SealStore, since_last: bool, fresh: bool, at: datetime) -> Proof:
    kept = _load(store)
    running, last = kept.get("running"), kept.get("sound")
    if running and not fresh and running["since_last"] == since_last:
        return Proof(**running)
    proof = Proof(since_last, at.isoformat())
    if since_last and last:
        proof.seal, proof.seal_hash = last["seal"], last["seal_hash"]
        if proof.seal:
            proof.epoch, proof.xid_until = stream.find_place(proof.seal) or (1, 0)
    return proof


def _portions(store: SealStore, proof: Proof) -> Iterator[list[Seal]]:
    """Seals after the one that the proof has reached, as many at a time as hold a portion of entries."""
    portion: list[Seal] = []
    for seal in store.read(after=proof.seal):
        if portion and (seal.covers["epoch"] != portion[0].covers["epoch"] or _leaves(portion) > PORTION_ENTRIES):
            yield portion
            portion = []
        portion.append(seal)
    if portion:
        yield portion


def _leaves(seals: list[Seal]) -> int:
    return sum(seal.leaves for seal in seals)


def _check_seals(stream: SealedStream, store: SealStore, proof: Proof, seals: list[Seal]) -> Iterator[Finding]:
    keys = store.keys()
    previous = _previous(store, proof)
    faults: list[str] = []
    if proof.seal and (previous is None or previous.hash != proof.seal_hash):
        faults.append(f"seal {proof.seal}: is not the one that was verified before")
    epoch = seals[0].covers["epoch"]
    start = proof.xid_until if epoch == proof.epoch else 0
    whole = Span(epoch, start, seals[-1].covers["xid_until"])
    contents = stream.read_contents(whole, [seal.covers["xid_until"] for seal in seals])
    for seal, content in zip(seals, contents, strict=True):
        fault = find_fault(seal, previous, keys) or _difference(seal, content)
        if fault:
            faults.append(f"seal {seal.number} of {seal.sealed_at}: {fault}")
        proof.entries += content.entries
        previous = seal
    proof.seal, proof.seal_hash = seals[-1].number, seals[-1].hash
    proof.epoch, proof.xid_until = epoch, whole.xid_until
    yield from stream.check_span(whole)  # first: a rule names the row, a root only the minute
    yield Finding(_seals(stream), len(faults), tuple(faults[:EXAMPLES]))
    yield from stream.check_seals(seals)


def _previous(store: SealStore, proof: Proof) -> Seal | None:
    return next(store.read(after=proof.seal - 1), None) if proof.seal else None


def _difference(seal: Seal, content: Content) -> str:
    beside = count_beside(seal)
    if len(content.hashes) != seal.leaves or content.beside != beside:
        sealed = _count(beside, seal.leaves - sum(beside.values()))
        return f"sealed {sealed}; there are {_count(content.beside, content.entries)}"
    if merkle_root(content.hashes).hex() != seal.root:
        return "the rows are not those that were sealed: the root is another"
    if content.totals != seal.totals:
        return "the totals are not those that were sealed"
    return ""


def _count(beside: dict[str, int], entries: int) -> str:
    return " and ".join([*(f"{number} {name}" for name, number in beside.items()), f"{entries} entries"])


def _unsealed(stream: SealedStream, proof: Proof) -> Iterator[Span]:
    """What follows the last seal, up to the end of every epoch."""
    start = proof.xid_until
    for epoch in range(proof.epoch, get_current_epoch() + 1):
        last = stream.find_last_xid(Span(epoch, start, END))
        while last is not None and last - start > PORTION_TRANSACTIONS:
            yield Span(epoch, start, start + PORTION_TRANSACTIONS)
            start += PORTION_TRANSACTIONS
        yield Span(epoch, start, END)
        start = 0


def _check_last(stream: SealedStream, proof: Proof) -> Finding:
    """Seals that the database knows and the store does not: somebody has cut the store."""
    missing = max(0, stream.get_last_number() - proof.seal)
    examples = (f"{missing} seals after {proof.seal} are in the database and not in the store",) if missing else ()
    return Finding(_seals(stream), missing, examples)


def _load(store: SealStore) -> dict[str, Any]:
    path = store.folder / "verification.json"
    kept: dict[str, Any] = json.loads(path.read_bytes()) if path.exists() else {}
    return kept


def _save(store: SealStore, *, running: Proof | None, last: Proof | None = None) -> None:
    kept = _load(store)
    kept["running"] = asdict(running) if running else None
    if last:
        kept["last"] = asdict(last)
        if last.sound:
            kept["sound"] = {"seal": last.seal, "seal_hash": last.seal_hash}
    write_whole(store.folder / "verification.json", json.dumps(kept, indent=1).encode())
