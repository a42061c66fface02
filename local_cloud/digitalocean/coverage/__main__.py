import sys

from local_cloud.digitalocean.coverage import markdown, table

sys.stdout.write(markdown(table()))
