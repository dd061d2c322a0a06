"""A Django site with one app, on SQLite in memory. Reads the names of changes from stdin, makes each, and
answers with its name."""

import sys

import django
from django.conf import settings

settings.configure(
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402

import evergraph  # noqa: E402


class Category(models.Model):
    name = models.TextField()

    class Meta:
        app_label = "shop"


class Product(models.Model):
    name = models.TextField()
    categories = models.ManyToManyField(Category)

    class Meta:
        app_label = "shop"


evergraph.purge_changes_of(Product, "ProductType")
with connection.schema_editor() as editor:
    editor.create_model(Category)
    editor.create_model(Product)


def create():
    Product.objects.create(name="one")


def save():
    product = Product.objects.first()
    product.name = "another"
    product.save()


def delete():
    Product.objects.first().delete()


def relate():
    Product.objects.first().categories.add(Category.objects.create(name="new"))


def unrelated():
    Category.objects.create(name="other")


def roll_back():
    try:
        with transaction.atomic():
            create()
            raise KeyError
    except KeyError:
        pass


def begin_and_commit():
    with transaction.atomic():
        create()
        print("saved", flush=True)
        sys.stdin.readline()


for line in sys.stdin:
    globals()[line.strip()]()
    print(line.strip(), flush=True)
