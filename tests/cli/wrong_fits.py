"""Wrong requests of `testbed fit`: words, and files that are no tables."""

LINES = """\
fit
fit ''
fit no.csv
fit @WIDE
fit @LONG
fit /dev/null
fit . --json
fit no.csv --form chinchila
fit no.csv --form t[/]
fit no.csv --columns params
fit no.csv --columns ''
fit no.csv --columns @LONG
fit no.csv --columns size=N
fit no.csv --entropy x
fit no.csv --entropy 1 --entropy-within 1 2
fit no.csv --pin alpha
fit no.csv --pin alpha=x
fit no.csv --pin alpha=1 alpha=2
fit no.csv --objective mean
fit no.csv --interval all
fit no.csv --level 95
fit no.csv --level nan
fit no.csv --resamples 1
fit no.csv --resamples 1000000000
fit no.csv --seed -1
fit no.csv --flops 1e20
fit no.csv --flops 1e22 1e20
fit no.csv --flops nan 1e20
fit no.csv --compare nothing
fit no.csv --svg /dev/null
fit no.csv --residuals no/where.csv
"""
FILES = """\
fit folder
fit fifo
fit letter
fit broken
fit loop
fit odd.npz
fit latin.json
"""
