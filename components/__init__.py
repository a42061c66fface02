"""The components of a tenant's cloud: Pulumi ComponentResources on DigitalOcean, one a file.

`flows` and `naming` are small modules that import nothing else, for whoever needs the table of permitted
flows or the names and tags without Pulumi: so nothing is imported here.
"""
