with

transactions as (

    select *
    from {{ ref('stg_files__transactions') }}
    where trade_date <= {{ logical_date() }}

),

portfolios as (

    select * from {{ ref('stg_files__portfolios') }}

),

holdings as (

    select *
    from {{ ref('int_holdings') }}
    where quantity <> 0

),

daily_bars as (

    select * from {{ ref('stg_fmp__daily_bars') }}

),

dividends_received as (

    select * from {{ ref('int_dividends_received') }}

),

currency_pairs as (

    select * from {{ ref('int_currency_pairs') }}

),

fx_rates as (

    select * from {{ ref('int_fx_rates') }}

),

starts as (

    select
        portfolio_id,
        min(trade_date) as first_date
    from transactions
    group by portfolio_id

),

dates as (

    select
        portfolio_id,
        trade_date as date
    from transactions

    union

    select
        holdings.portfolio_id,
        daily_bars.session as date
    from holdings
    inner join daily_bars
        on
            holdings.symbol = daily_bars.symbol
            and daily_bars.session >= holdings.valid_from
            and daily_bars.session < holdings.valid_to

    union

    select
        currency_pairs.portfolio_id,
        fx_rates.session as date
    from currency_pairs
    inner join fx_rates
        on
            currency_pairs.currency = fx_rates.currency
            and currency_pairs.base_currency = fx_rates.base_currency

    union

    select
        portfolio_id,
        ex_date as date
    from dividends_received

    union

    select
        portfolio_id,
        payment_date as date
    from dividends_received

),

portfolio_dates as (

    select
        dates.portfolio_id,
        portfolios.base_currency,
        dates.date
    from dates
    inner join starts
        on
            dates.portfolio_id = starts.portfolio_id
            and dates.date >= starts.first_date
    inner join portfolios
        on dates.portfolio_id = portfolios.portfolio_id
    where dates.date <= {{ logical_date() }}

)

select * from portfolio_dates
