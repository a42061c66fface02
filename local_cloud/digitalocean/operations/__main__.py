import sys

from local_cloud.digitalocean.operations import from_pydo, listing

sys.stdout.write(listing(from_pydo()))
