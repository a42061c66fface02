"""Accounts: isolated from each other, each with its tokens, its limit and its default project."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from local_cloud.digitalocean.cloud import Cloud
from local_cloud.digitalocean.ids import token_digest
from local_cloud.digitalocean.projects.models import make_default_project
from local_cloud.digitalocean.tables import Account
from local_cloud.digitalocean.tokens import Holder

DEFAULT_NAME = "default"
DROPLET_LIMIT = 100
"""The default account's. DigitalOcean gives a new account 10, and raises it when asked to."""


def open_account(
    cloud: Cloud,
    session: Session,
    name: str,
    token: str,
    *,
    droplet_limit: int,
    rate_limit: int | None = None,
) -> Account:
    account = Account(
        uuid=cloud.ids.uuid(session, "account"),
        number=cloud.ids.number(session, "account"),
        name=name,
        token_digest=token_digest(token),
        droplet_limit=droplet_limit,
        rate_limit=rate_limit,
    )
    session.add(account)
    session.flush()
    make_default_project(cloud, session, account)
    return account


def admit_all(cloud: Cloud, default_token: str) -> None:
    """Opens the default account if need be, gives it the current token, and lets every account in."""
    with cloud.store.writing() as session:
        accounts = session.scalars(select(Account)).all()
        default = next((account for account in accounts if account.name == DEFAULT_NAME), None)
        if default is None:
            default = open_account(cloud, session, DEFAULT_NAME, default_token, droplet_limit=DROPLET_LIMIT)
        default.token_digest = token_digest(default_token)
        for account in {*accounts, default}:
            admit(cloud, account)


def admit(cloud: Cloud, account: Account) -> None:
    holder = Holder(account.id, admin=account.name == DEFAULT_NAME, rate_limit=account.rate_limit)
    cloud.tokens.admit(account.token_digest, holder)
