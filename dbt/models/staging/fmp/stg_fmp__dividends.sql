with

versions as (

    {{ latest_versions(source('silver', 'fmp_dividends'), ['symbol', 'ex_date']) }}

),

dividends as (

    select
        symbol,
        frequency,
        cast(amount as decimal(24, 12)) as amount,
        ex_date,
        record_date,
        payment_date,
        declaration_date
    from versions

)

select * from dividends
