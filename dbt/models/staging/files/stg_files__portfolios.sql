with

versions as (

    {{ latest_versions(source('silver', 'files_portfolios'), ['portfolio_id']) }}

),

portfolios as (

    select
        portfolio_id,
        name,
        base_currency
    from versions

)

select * from portfolios
