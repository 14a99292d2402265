"""`handrail forget`: erases a person or an account, and says what it could not reach."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated

import typer

from agent_core.audit import NO_ACCOUNT
from agent_core.clock import SystemClock
from agent_core.errors import ActionRefused, ToolError
from agent_core.forget import Forgetting, account_to_forget, person_to_forget
from agent_core.forgetting import PostOutcome, Receipt, Unreached, Whom
from agent_core.messages import Platform
from agent_core.people import AccountId, PersonId
from agent_core.ports import PostRemover, Store, UnitOfWork
from bots.commands.opening import opened_accounts, opened_store
from bots.commands.running import FAILED, Refused, run, show_json
from bots.configuration import Configuration, load_configuration, person_address
from bots.settings import Settings

_Work = tuple[Receipt, bool]


def forget(
    who: Annotated[
        str,
        typer.Argument(
            metavar="PERSON|ACCOUNT",
            help="slack:TEAM/USER, teams:TENANT/OBJECT_ID, a person's id, or an account's.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and erase nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Erase the rest where effects are in doubt.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="The receipt as JSON.")] = False,
) -> None:
    """Erase a person, or an account with the people known through it alone.

    Their words, our answers (also on the platform), cases and names go; amounts and keys stay in
    the books under a pseudonym. Refused while something of theirs is not over.
    """
    if not (yes or dry_run):
        counted, _ = run(_work(who, dry_run=True, force=force))
        typer.echo(_counts(counted), err=json)
        typer.confirm(f"Forget {who}? It cannot be taken back.", abort=True, err=json)
    receipt, clean = run(_work(who, dry_run=dry_run, force=force))
    if json:
        show_json(_as_json(receipt))
    else:
        _tell(receipt)
    if not clean:
        typer.echo("The write-ahead file still has old pages: stop the service once.", err=True)
    if receipt.left and not dry_run:
        raise typer.Exit(FAILED)


async def _work(who: str, *, dry_run: bool, force: bool) -> _Work:
    settings = Settings.load()
    configuration = load_configuration(settings.configuration_folder)
    async with opened_store(settings) as store, _removers(settings, configuration) as removers:
        whom = await _named(settings, store, who)
        _not_configured(configuration, whom)
        receipt = await Forgetting(store, removers=removers, clock=SystemClock()).forget(
            whom, dry_run=dry_run, force=force, unreached=tuple(_unreached(settings, whom))
        )
        return receipt, dry_run or await store.scrub()


async def _named(settings: Settings, store: Store, who: str) -> Whom:
    """Raises Refused where nobody is called so."""
    try:
        identity = person_address(who)
    except ValueError as problem:
        person = await store.run(lambda tx: person_to_forget(tx, PersonId(who)))
        account = AccountId(who)
        if account == NO_ACCOUNT:
            raise Refused(f"{problem}.") from None
        if person is not None:
            return person
        if not await store.run(lambda tx: _is_known(tx, account)):
            await _check_account(settings, account, str(problem))
        return await store.run(lambda tx: account_to_forget(tx, account))
    found = await store.run(lambda tx: person_to_forget(tx, identity))
    assert found is not None
    return found


def _is_known(tx: UnitOfWork, account: AccountId) -> bool:
    """An account that the account system has no more can still be forgotten here."""
    linked = any(binding.account_id == account for binding in tx.rooms.all())
    return linked or account in tx.audit.chains() or bool(tx.ledger.of_account(account, 1))


async def _check_account(settings: Settings, account: AccountId, problem: str) -> None:
    async with opened_accounts(settings) as accounts:
        try:
            await accounts.state(account, SystemClock().now())
        except (ActionRefused, ToolError):
            raise Refused(f"{problem}, and no person and no account has that id.") from None


def _not_configured(configuration: Configuration, whom: Whom) -> None:
    for person in configuration.people:
        if whom.addresses & set(map(str, person.identities)):
            raise Refused(
                "This person is named in agent.yaml, and would come back at the next start: take "
                "them out there, and start the service again, first."
            )


@asynccontextmanager
async def _removers(
    settings: Settings, configuration: Configuration
) -> AsyncIterator[Mapping[Platform, PostRemover]]:
    from bots import bootstrap  # builds on every adapter: loaded by the commands that need it

    async with bootstrap.opened_removers(settings, configuration) as removers:
        yield removers


# --- telling -----------------------------------------------------------------------------------


def _unreached(settings: Settings, whom: Whom) -> list[Unreached]:
    """What lies elsewhere, as far as this deployment sends it there."""
    owners = {
        Platform.SLACK: ("Slack", "whoever runs the workspace"),
        Platform.TEAMS: ("Teams", "the tenant's owner"),
    }
    found = [
        Unreached(
            what=f"what people wrote themselves in {owners[platform][0]}, in support threads too",
            ask="whoever runs the workspace"
            if platform is Platform.SLACK
            else "the tenant's owner",
        )
        for platform in settings.platforms
    ]
    found.append(Unreached(what="posts that only they could see", ask="the platform"))
    if settings.model is not None:
        found.append(Unreached(what="prompts that the model's provider keeps", ask="the provider"))
    if settings.payments_url is not None:
        found.append(Unreached(what="payments and refunds", ask="the payment provider"))
    found += [
        Unreached(what="the record in the account system", ask="whoever runs it"),
        Unreached(what="backups and replicas of the database", ask="whoever keeps them"),
        Unreached(what="log files and traces: ids and addresses, no words", ask="who keeps them"),
        Unreached(
            what="ids of deliveries (`retention: deliveries`), and the engine's entries of an hour",
            ask="nobody: they go by themselves",
        ),
        Unreached(
            what="their name in what others were told: who approved, gave access or took over",
            ask="nobody: `retention: conversations` ends it here, the platform's own there",
        ),
        Unreached(  # their rows do not name whom they are for
            what="answers without a conversation, as to “join CODE”, that an older version gave",
            ask="nobody: `retention: outgoing` ends the rows; the posts, whoever runs the platform",
        ),
        Unreached(
            what="what others wrote of them, asked for and were answered, in the books and the "
            "audit log too, and what cards of others' cases say of the account",
            ask="nobody: it is others', and ends with it",
        ),
        Unreached(  # the turn alone told whom they were for, and it is gone
            what="answers among others, older than `retention: journals`, of an older version",
            ask="nobody: `retention: conversations` ends them here, the platform's own there",
        ),
        Unreached(
            what="pseudonyms: who has the audit key and an address can still match them",
            ask="whoever keeps the audit key",
        ),
    ]
    if whom.account is not None:
        found += [
            Unreached(
                what="the account's id in the books, the audit log and pauses",
                ask="nobody: books and chain go by it",
            ),
            Unreached(  # it lies under the key of whoever asked
                what="what the audit log says of requests by people of other accounts and your own",
                ask="whoever keeps the log: handrail audit erase PERSON ends it for one of them",
            ),
        ]
    return found


def _counts(receipt: Receipt) -> str:
    rows = ", ".join(f"{count} {table}" for table, count in sorted(receipt.erased.items()))
    to_be = "to be " if receipt.dry_run else ""
    posts = ", ".join(f"{count} {to_be}{outcome.value}" for outcome, count in receipt.posts.items())
    would = "Would erase" if receipt.dry_run else "Erased"
    return f"{would}: {rows or 'nothing'}.\nOur posts: {posts or 'none'}."


def _tell(receipt: Receipt) -> None:
    typer.echo(_counts(receipt))
    for post in receipt.posts_left:
        typer.echo(f"- still there, delete it by hand: {post}")
    if receipt.left:
        typer.echo("Not erased; run it again once this is over:")
        for each in receipt.left:
            typer.echo(f"- {each}")
    typer.echo("Not within reach:")
    for one in receipt.unreached:
        typer.echo(f"- {one.what}. Ask: {one.ask}.")


def _as_json(receipt: Receipt) -> dict[str, object]:
    return {
        "subject": receipt.subject,
        "dry_run": receipt.dry_run,
        "erased": dict(sorted(receipt.erased.items())),
        "posts": {outcome.value: receipt.posts[outcome] for outcome in PostOutcome},
        "posts_left": receipt.posts_left,
        "left": receipt.left,
        "unreached": [{"what": one.what, "ask": one.ask} for one in receipt.unreached],
    }
