with

versions as (

    {{ latest_versions(source('silver', 'fmp_profiles'), ['symbol']) }}

),

profiles as (

    select
        symbol,
        name,
        currency,
        exchange
    from versions

)

select * from profiles
