with

holdings as (

    select *
    from {{ ref('int_holdings') }}
    where quantity <> 0

),

portfolio_dates as (

    select * from {{ ref('int_portfolio_dates') }}

),

profiles as (

    select * from {{ ref('stg_fmp__profiles') }}

),

positions as (

    select
        portfolio_dates.portfolio_id,
        holdings.symbol,
        profiles.currency,
        portfolio_dates.base_currency,
        holdings.quantity,
        portfolio_dates.date,
        holdings.valid_from as holding_from
    from portfolio_dates
    inner join holdings
        on
            portfolio_dates.portfolio_id = holdings.portfolio_id
            and portfolio_dates.date >= holdings.valid_from
            and portfolio_dates.date < holdings.valid_to
    left join profiles
        on holdings.symbol = profiles.symbol

)

select * from positions
