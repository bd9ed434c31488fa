with

positions as (

    select * from {{ ref('int_positions') }}

),

daily_bars as (

    select * from {{ ref('stg_fmp__daily_bars') }}

),

split_factors as (

    select * from {{ ref('int_split_factors') }}

),

wanted as (

    select distinct
        symbol,
        date
    from positions

),

held_symbols as (

    select distinct symbol
    from positions

),

-- A close is in force from its session on; the running maximum of sessions names the last one known.
dates as (

    select
        symbol,
        date,
        true as is_wanted,
        cast(null as date) as session
    from wanted

    union all

    select
        daily_bars.symbol,
        daily_bars.session as date,
        false as is_wanted,
        daily_bars.session
    from daily_bars
    inner join held_symbols
        on daily_bars.symbol = held_symbols.symbol

),

filled as (

    select
        symbol,
        date,
        is_wanted,
        max(session) over (
            partition by symbol
            order by date
            range between unbounded preceding and current row
        ) as price_session
    from dates

),

-- A close carried over a split is on the old basis: it is brought to that of the date, or value would jump.
prices_filled as (

    select
        filled.symbol,
        cast({{ rescale_shares(
            'daily_bars.close',
            '(now_factors.numerator_after * then_factors.denominator_after)',
            '(now_factors.denominator_after * then_factors.numerator_after)'
        ) }} as decimal(24, 12)) as price,
        date_diff('day', filled.price_session, filled.date) as price_age_days,
        filled.date,
        filled.price_session
    from filled
    left join daily_bars
        on
            filled.symbol = daily_bars.symbol
            and filled.price_session = daily_bars.session
    left join split_factors as now_factors
        on
            filled.symbol = now_factors.symbol
            and filled.date >= now_factors.valid_from
            and filled.date < now_factors.valid_to
    left join split_factors as then_factors
        on
            filled.symbol = then_factors.symbol
            and filled.price_session >= then_factors.valid_from
            and filled.price_session < then_factors.valid_to
    where filled.is_wanted

)

select * from prices_filled
