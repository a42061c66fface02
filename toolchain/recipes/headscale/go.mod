module tenantry.local/headscale

go 1.27.3

require github.com/juanfont/headscale v0.26.1
