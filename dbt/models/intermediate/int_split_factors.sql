with

transactions as (

    select * from {{ ref('stg_files__transactions') }}

),

splits as (

    select *
    from {{ ref('stg_fmp__splits') }}
    where ex_date <= {{ logical_date() }}

),

starts as (

    select
        symbol,
        {{ first_date() }} as valid_from
    from transactions
    where symbol is not null

    union

    select
        symbol,
        ex_date as valid_from
    from splits

),

periods as (

    select
        symbol,
        valid_from,
        coalesce(
            lead(valid_from) over (partition by symbol order by valid_from),
            {{ last_date() }}
        ) as valid_to
    from starts

),

split_factors as (

    select
        periods.symbol,
        coalesce({{ product_agg('splits.numerator') }}, 1e0) as numerator_after,
        coalesce({{ product_agg('splits.denominator') }}, 1e0) as denominator_after,
        periods.valid_from,
        periods.valid_to
    from periods
    left join splits
        on
            periods.symbol = splits.symbol
            and periods.valid_from < splits.ex_date
    group by periods.symbol, periods.valid_from, periods.valid_to

)

select * from split_factors
