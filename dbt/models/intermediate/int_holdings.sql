with

trades as (

    select * from {{ ref('int_trades') }}

),

splits as (

    select * from {{ ref('stg_fmp__splits') }}

),

split_factors as (

    select * from {{ ref('int_split_factors') }}

),

first_trades as (

    select
        portfolio_id,
        symbol,
        min(trade_date) as first_trade_date
    from trades
    group by portfolio_id, symbol

),

events as (

    select
        portfolio_id,
        symbol,
        trade_date as event_date,
        case when kind = 'buy' then final_quantity else cast(0 as decimal(28, 14)) end as bought,
        case when kind = 'sell' then final_quantity else cast(0 as decimal(28, 14)) end as sold
    from trades

    union all

    select
        first_trades.portfolio_id,
        first_trades.symbol,
        splits.ex_date as event_date,
        cast(0 as decimal(28, 14)) as bought,
        cast(0 as decimal(28, 14)) as sold
    from first_trades
    inner join splits
        on
            first_trades.symbol = splits.symbol
            and first_trades.first_trade_date < splits.ex_date
    where splits.ex_date <= {{ logical_date() }}

),

event_days as (

    select
        portfolio_id,
        symbol,
        event_date,
        sum(bought) as bought,
        sum(sold) as sold
    from events
    group by portfolio_id, symbol, event_date

),

running as (

    select
        portfolio_id,
        symbol,
        cast(sum(bought) over (
            partition by portfolio_id, symbol
            order by event_date
            rows between unbounded preceding and current row
        ) as decimal(28, 14)) as final_bought,
        cast(sum(sold) over (
            partition by portfolio_id, symbol
            order by event_date
            rows between unbounded preceding and current row
        ) as decimal(28, 14)) as final_sold,
        event_date as valid_from,
        coalesce(
            lead(event_date) over (partition by portfolio_id, symbol order by event_date),
            {{ last_date() }}
        ) as valid_to
    from event_days

),

-- The factors of the final basis, upside down, lead back to the basis in force at the time.
holdings as (

    select
        running.portfolio_id,
        running.symbol,
        cast({{ rescale_shares(
            '(running.final_bought - running.final_sold)',
            'split_factors.denominator_after',
            'split_factors.numerator_after'
        ) }} as decimal(24, 10)) as quantity,
        running.final_bought,
        running.final_sold,
        running.valid_from,
        running.valid_to
    from running
    inner join split_factors
        on
            running.symbol = split_factors.symbol
            and running.valid_from >= split_factors.valid_from
            and running.valid_from < split_factors.valid_to

)

select * from holdings
