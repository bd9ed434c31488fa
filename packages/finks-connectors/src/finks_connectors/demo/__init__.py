"""The demonstration: two portfolios that hold AAPL, MSFT and IBM through their real splits and dividends.

`portfolios.csv` and `transactions.csv` are read by the files plugin, prices come from the simulated FMP. Every
price of a trade is the security's real close of that day; the portfolios themselves are made up.
"""
