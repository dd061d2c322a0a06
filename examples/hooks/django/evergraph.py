"""Purges Evergraph when models change. Call `purge_changes_of` in AppConfig.ready():

    from shop import evergraph
    from shop.models import Category, Product

    evergraph.purge_changes_of(Product, "ProductType")
    evergraph.purge_changes_of(Category, "CategoryType")
"""

import json
import logging
import os
import urllib.request

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save

log = logging.getLogger(__name__)


def settings():
    """The address without a slash at the end, and the token."""
    url = os.environ.get("EVERGRAPH_URL", "").rstrip("/")
    token = os.environ.get("EVERGRAPH_TOKEN", "")
    if not url.startswith(("https://", "http://")):
        raise ImproperlyConfigured("set EVERGRAPH_URL to the address that clients use, with https://")
    if not token:
        raise ImproperlyConfigured("set EVERGRAPH_TOKEN to a token with the role purge")
    return url, token


def purge(*tags):
    """Purges the entries that have one of these tags. Call it after the commit."""
    url, token = settings()
    request = urllib.request.Request(
        url + "/__evergraph/purge",
        data=json.dumps({"tags": sorted(tags)}).encode(),
        headers={"authorization": "Bearer " + token},
        method="POST",
    )
    urllib.request.urlopen(request, timeout=5).close()


def purge_on_commit(*tags):
    """Purges after the commit of the transaction, if there is one, and at once otherwise."""

    def run():
        try:
            purge(*tags)
        except Exception as error:
            # Whatever went wrong: the change is committed, and the user is not to see an error for it.
            # Nothing tries again: the entries live until their ttl ends.
            log.error("Evergraph did not take the purge of %s: %s", ", ".join(tags), error)

    transaction.on_commit(run)


def purge_changes_of(model, graphql_type):
    """Purges a GraphQL type whenever an object of the model is saved or deleted, or its relations change."""
    settings()  # A missing or wrong setting stops the start, not the first change.

    def changed(**_):
        purge_on_commit(graphql_type)

    for signal in (post_save, post_delete):
        signal.connect(changed, sender=model, weak=False)
    for field in model._meta.many_to_many:
        m2m_changed.connect(changed, sender=field.remote_field.through, weak=False)
