module tenantry.local/actionlint

go 1.27.3

require github.com/rhysd/actionlint v1.7.12
