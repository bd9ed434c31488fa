with

versions as (

    {{ latest_versions(source('silver', 'fmp_splits'), ['symbol', 'ex_date']) }}

),

splits as (

    select
        symbol,
        split_type,
        cast(numerator as double) as numerator,
        cast(denominator as double) as denominator,
        ex_date
    from versions

)

select * from splits
