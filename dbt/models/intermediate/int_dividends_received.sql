with

holdings as (

    select * from {{ ref('int_holdings') }}

),

dividends as (

    select *
    from {{ ref('stg_fmp__dividends') }}
    where ex_date <= {{ logical_date() }}

),

profiles as (

    select * from {{ ref('stg_fmp__profiles') }}

),

-- The row in force at the close before the ex-date: it began earlier and ends on the ex-date or later.
dividends_received as (

    select
        holdings.portfolio_id,
        holdings.symbol,
        profiles.currency,
        holdings.quantity,
        dividends.amount as amount_per_share,
        {{ money('holdings.quantity * dividends.amount') }} as amount,
        dividends.ex_date,
        greatest(
            coalesce(dividends.payment_date, dividends.ex_date),
            dividends.ex_date
        ) as payment_date
    from dividends
    inner join holdings
        on
            dividends.symbol = holdings.symbol
            and dividends.ex_date > holdings.valid_from
            and dividends.ex_date <= holdings.valid_to
    left join profiles
        on dividends.symbol = profiles.symbol
    where holdings.quantity <> 0

)

select * from dividends_received
