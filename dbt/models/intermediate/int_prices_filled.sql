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

held_bars as (

    select *
    from daily_bars
    where symbol in (select symbol from positions)

),

filled as (

    {{ last_known('wanted', 'held_bars', ['symbol'], 'price_session') }}

),

-- A close carried over a split is on the old basis: it is brought to that of the date, or value would jump.
prices_filled as (

    select
        filled.symbol,
        cast({{ rescale_shares(
            'held_bars.close',
            '(now_factors.numerator_after * then_factors.denominator_after)',
            '(now_factors.denominator_after * then_factors.numerator_after)'
        ) }} as decimal(24, 12)) as price,
        date_diff('day', filled.price_session, filled.date) as price_age_days,
        filled.date,
        filled.price_session
    from filled
    left join held_bars
        on
            filled.symbol = held_bars.symbol
            and filled.price_session = held_bars.session
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

)

select * from prices_filled
